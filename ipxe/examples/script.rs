//! Runs a script and writes what it asks for: `cargo run -p netboot-ipxe --features script --example script`. With an argument it is the file of the script.

use netboot_ipxe::script::{Command, Menus, Outcome, Script, Step, Variables};

const SCRIPT: &str = "#!ipxe
set server 10.0.2.2
set attempt:int32 0
:again
inc attempt
echo Attempt ${attempt} at ${server}
chain http://${server}/fw.bin?name=${server:uristring} && exit ||
iseq ${attempt} 3 || goto again
echo No image came
exit 1
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = match std::env::args().nth(1) {
        Some(path) => std::fs::read_to_string(path)?,
        None => SCRIPT.into(),
    };
    let mut settings = Variables::<1024>::new();
    let mut menus = Menus::new();
    let mut script = Script::new(text.as_bytes())?;
    loop {
        let outcome = match script.poll(&mut settings, &mut menus) {
            Step::End(result) => {
                match result {
                    Ok(()) => println!("The script is over."),
                    Err(error) => println!("The script failed: {error}."),
                }
                return Ok(());
            }
            Step::Run(Command::Echo { text, newline }) => {
                print!("{text}{}", if newline { "\n" } else { "" });
                Outcome::Done
            }
            // Nothing here can do it, and the script may know what to do then.
            Step::Run(command) => {
                println!("  {command:?}");
                Outcome::Refused
            }
        };
        script.answer(outcome, &mut settings, &mut menus);
    }
}
