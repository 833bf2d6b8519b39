//! Whole boots of boards whose owners are found by secure zero-touch provisioning (RFC 8572), in the simulated world.

mod believed;
mod certificates;
mod common;
mod failures;
mod images;
mod remembered;
mod scripts;
