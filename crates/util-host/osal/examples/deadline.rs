//! Waits for a deadline with the clock of the operating system.

use caliptra_util_host_osal::{Clock, Deadline, StdClock};

fn main() {
    let deadline = Deadline::after(&StdClock, 20);
    while !deadline.has_passed(&StdClock) {
        println!("{} ms left", deadline.left_ms(&StdClock));
        StdClock.sleep_ms(5);
    }
}
