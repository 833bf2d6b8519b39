//! Prints a request as it is on the wire, in the mailbox and over MCTP.

use caliptra_util_host_command_types::{
    CaliptraCommandId, Command, CommandError, GetFirmwareVersionRequest, Writer, mailbox, vdm,
};

fn main() -> Result<(), CommandError> {
    let mut payload = [0; 16];
    let mut writer = Writer::new(&mut payload);
    GetFirmwareVersionRequest { index: 1 }.encode(&mut writer)?;
    let (id, mut out) = (CaliptraCommandId::GetFirmwareVersion, [0; 64]);
    let request = mailbox::encode(id, writer.written(), &mut out)?;
    println!(
        "mailbox: code {:#x}, octets {:02x?}",
        request.code,
        &out[..request.len]
    );
    let len = vdm::encode(id, writer.written(), &mut out)?;
    println!("MCTP, behind the type octet: {:02x?}", &out[..len]);
    Ok(())
}
