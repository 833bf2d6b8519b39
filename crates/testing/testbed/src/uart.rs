//! A board whose console is a UNIX socket, for tools that talk to a board at its UART.

use crate::plan::Plan;
use crate::qemu::{Machine, QEMU, QemuOptions, QemuOutcome, Surroundings, bound_to_us, with_path};
use anyhow::{Context, Result};
use std::path::Path;

/// A line that the ROM writes before it shows its prompt.
const AWAKE: &str = "@nic ";

/// Boots `plan` with the console at a UNIX socket, and has `visit` called with its path when the ROM runs. After a visit that fails the machine is stopped;
/// after another one it has to end by itself.
///
/// `on_line` gets each line of the console, as with [`qemu::boot`](crate::qemu::boot); those of the visit come after it.
///
/// # Errors
/// As with [`qemu::boot`](crate::qemu::boot), and those of `visit`.
pub fn boot(
    plan: &Plan,
    options: &QemuOptions,
    on_line: &mut dyn FnMut(&str),
    visit: &mut dyn FnMut(&Path) -> Result<()>,
) -> Result<QemuOutcome> {
    let mut around = Surroundings::new(plan, options, None)?;
    let socket = around.scratch.path().join("uart.sock");
    let mut arguments = around.arguments.iter_mut();
    let stdio = arguments.find(|argument| *argument == "stdio");
    *stdio.context("QEMU has no console")? = "chardev:uart".into();
    // What goes to the socket is on standard output too.
    let line = "socket,id=uart,server=on,wait=off,logfile=/dev/stdout,path=";
    let line = ["-chardev".into(), with_path(line, &socket)];
    around.arguments.extend(line);
    let machine = Machine::start(bound_to_us(QEMU), &around.arguments, "")?;
    let stop = machine.stopper();
    let mut visited = None;
    let mut line = |line: &str| {
        on_line(line);
        if visited.is_none() && line.starts_with(AWAKE) {
            let result = visit(&socket);
            if result.is_err() {
                stop();
            }
            visited = Some(result);
        }
    };
    let outcome = around.watch(machine, options, &mut line);
    visited.unwrap_or(Ok(()))?;
    outcome
}
