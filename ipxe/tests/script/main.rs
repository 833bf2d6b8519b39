//! The conformance suite of the script engine: script in, effects out.
//!
//! Where a row says what iPXE does, iPXE 1.0.0+git-20190125 has run the same lines under QEMU, and its console had the same texts. What is
//! different on purpose stands in `docs/src/script.md`.

mod expansion;
mod hostile;
mod images;
mod interaction;
mod labels;
mod menus;
mod network;
mod operators;
mod properties;
mod settings;
mod time;
mod types;
mod words;
mod world;
