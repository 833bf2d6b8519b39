//! Whole certificate paths, made by a certification authority with every flaw: one program, so that it is linked once.

mod acceptance;
mod budgets;
mod extensions;
mod hostile;
mod limbo;
mod pki;
mod refusals;
mod rollover;
mod second_opinion;
mod signers;
