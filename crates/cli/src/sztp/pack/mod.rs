//! What a bootstrap server hands out, made of the files that an operator has.
//!
//! | file | what |
//! |---|---|
//! | `voucher`, `owner` | the ownership voucher, and the owner certificate |
//! | `conveyed` | who signs conveyed information, and where it goes |
//! | `onboarding`, `redirect` | the two kinds of conveyed information |
//! | `reply` | the answer of a bootstrap server |
//!
//! Everything is read again by the code that devices have before it is written.

mod conveyed;
mod onboarding;
mod owner;
mod redirect;
mod reply;
mod voucher;

use anyhow::Result;
use clap::Subcommand;
use std::io::Write;

/// What can be made.
#[derive(Subcommand)]
pub enum Command {
    /// The voucher, by which the manufacturer's authority says who owns a device (RFC 8366)
    Voucher(voucher::VoucherArgs),
    /// The owner certificate, which leads from the owner's signature to the certificate in the voucher
    OwnerCertificate(owner::OwnerArgs),
    /// Conveyed information: what a device has to run, and its configuration
    Onboarding(onboarding::OnboardingArgs),
    /// Conveyed information: other bootstrap servers, which a device has to ask
    Redirect(redirect::RedirectArgs),
    /// The answer of the bootstrap server, with all of it. It is judged as a device would judge it
    Reply(reply::ReplyArgs),
}

/// Runs a command; whether a device would take what it made.
pub fn run(command: &Command, out: &mut dyn Write) -> Result<bool> {
    match command {
        Command::Voucher(arguments) => voucher::run(arguments, out)?,
        Command::OwnerCertificate(arguments) => owner::run(arguments, out)?,
        Command::Onboarding(arguments) => onboarding::run(arguments, out)?,
        Command::Redirect(arguments) => redirect::run(arguments, out)?,
        Command::Reply(arguments) => return reply::run(arguments, out),
    }
    Ok(true)
}
