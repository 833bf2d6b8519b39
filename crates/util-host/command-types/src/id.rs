//! Numbers of the commands: inside the library, in the MCI mailbox, and in MCTP vendor defined messages.

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident = $id:literal $(mailbox $code:literal)? $(dot $four:literal)? $(vdm $vdm:ident)? , $kind:ident;)*) => {
        /// A command's number inside the library. Transports map it to the code that their wire has.
        #[repr(u32)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum CaliptraCommandId {
            $($(#[$doc])* $name = $id,)*
        }

        impl CaliptraCommandId {
            /// All commands in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The command of a number.
            pub const fn from_u32(id: u32) -> Option<Self> {
                match id {
                    $($id => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The name, as it is written in Rust.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The code in the MCI mailbox's command register. `None`: the contract has no code for the command.
            pub const fn mailbox_code(self) -> Option<u32> {
                let none: Option<u32> = None;
                match self {
                    $(Self::$name => { $(let none = { let _ = none; Some(fourcc($code)) };)? $(let none = { let _ = (none, $four); Some(DOT_FAMILY) };)? none })*
                }
            }

            /// The subcommand that begins the mailbox payload of a device ownership transfer command.
            pub const fn dot_fourcc(self) -> Option<u32> {
                let none: Option<u32> = None;
                match self {
                    $(Self::$name => { $(let none = { let _ = none; Some(fourcc($four)) };)? none })*
                }
            }

            /// The command code in an MCTP vendor defined message.
            pub const fn vdm_command(self) -> Option<VdmCommand> {
                let none: Option<VdmCommand> = None;
                match self {
                    $(Self::$name => { $(let none = { let _ = none; Some(VdmCommand::$vdm) };)? none })*
                }
            }

            /// Whether the command may be sent again when it is not known if the device carried it out.
            pub const fn is_idempotent(self) -> bool {
                match self {
                    $(Self::$name => matches!(Kind::$kind, Kind::Idempotent),)*
                }
            }
        }
    };
}

enum Kind {
    /// Twice is as once.
    Idempotent,
    /// Each time changes the device, or uses something up.
    Once,
}

/// A command code of the vendor defined messages.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VdmCommand {
    /// Version of a firmware image.
    FirmwareVersion = 1,
    /// What the device can do.
    DeviceCapabilities = 2,
    /// Drains a part of the log.
    GetDebugLog = 3,
    /// Clears the log.
    ClearDebugLog = 4,
}

impl VdmCommand {
    /// The command of a code.
    pub const fn from_u8(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::FirmwareVersion),
            2 => Some(Self::DeviceCapabilities),
            3 => Some(Self::GetDebugLog),
            4 => Some(Self::ClearDebugLog),
            _ => None,
        }
    }
}

/// The command register's value for all commands of device ownership transfer.
pub const DOT_FAMILY: u32 = 0x11;

/// Four ASCII letters as the number that the contract makes of them: the first letter is the highest octet.
pub const fn fourcc(text: &str) -> u32 {
    let mut rest = text.as_bytes();
    let mut code = 0;
    while let Some((octet, tail)) = rest.split_first() {
        code = (code << 8) | *octet as u32;
        rest = tail;
    }
    code
}

commands! {
    /// Version of one of the device's firmware images.
    GetFirmwareVersion = 0x0001 mailbox "MFWV" vdm FirmwareVersion, Idempotent;
    /// What the device can do.
    GetDeviceCapabilities = 0x0002 mailbox "MCAP" vdm DeviceCapabilities, Idempotent;
    /// PCI identity. Newer devices decline it.
    GetDeviceId = 0x0003 mailbox "MDID", Idempotent;
    /// Information about the device by index. Newer devices decline it.
    GetDeviceInfo = 0x0004 mailbox "MDIN", Idempotent;

    /// IDevID certificate.
    GetIdevidCert = 0x1001, Idempotent;
    /// LDevID certificate.
    GetLdevidCert = 0x1002, Idempotent;
    /// Certificate of the FMC alias key.
    GetFmcAliasCert = 0x1003, Idempotent;
    /// Certificate of the runtime alias key.
    GetRtAliasCert = 0x1004, Idempotent;
    /// Attested certificate signing request of a device key.
    ExportAttestedCsr = 0x1005 mailbox "MEAC", Idempotent;
    /// Certificate signing request of the IDevID key, in manufacturing.
    ExportIdevidCsr = 0x1006, Idempotent;
    /// Signed evidence of what the device runs.
    GetAttestation = 0x1007 mailbox "MGAT", Idempotent;
    /// Certificate chain of a slot.
    GetCertChain = 0x1010, Idempotent;
    /// Stores a certificate in a slot.
    StoreCertificate = 0x1011, Idempotent;

    /// Starts a hash.
    HashInit = 0x2001 mailbox "MCSI", Idempotent;
    /// Continues a hash. The state is in the context, so a repetition is harmless.
    HashUpdate = 0x2002 mailbox "MCSU", Idempotent;
    /// Ends a hash.
    HashFinalize = 0x2003 mailbox "MCSF", Idempotent;
    /// A hash in one command, for transports that have one; the mailbox does it in two.
    HashOneShot = 0x2004, Idempotent;
    /// Message authentication code.
    Hmac = 0x2013 mailbox "MCHM", Idempotent;
    /// Derives a key, SP 800-108 in counter mode.
    HmacKdfCounter = 0x2014 mailbox "MCKC", Idempotent;
    /// Imports a key.
    Import = 0x2015 mailbox "MCIM", Once;
    /// Deletes a key.
    Delete = 0x2016 mailbox "MCDL", Once;
    /// Tells how much key storage is used.
    KeyStatus = 0x2017 mailbox "MCST", Idempotent;
    /// Random octets.
    RandomGenerate = 0x2020 mailbox "MCRG", Idempotent;
    /// Adds entropy to the random number generator.
    RandomStir = 0x2021 mailbox "MCRS", Once;

    /// Starts an AES encryption.
    AesInit = 0x3001 mailbox "MCCI", Once;
    /// Continues an AES encryption. The state is in the context, so a repetition is harmless.
    AesUpdate = 0x3002 mailbox "MCCU", Idempotent;
    /// Ends an AES operation. CBC and CTR end without a command, so no transport has a code.
    AesFinalize = 0x3003, Idempotent;
    /// Continues an AES decryption.
    AesDecryptUpdate = 0x3004 mailbox "MCAU", Idempotent;
    /// Starts an AES decryption.
    AesDecryptInit = 0x3005 mailbox "MCAJ", Idempotent;
    /// Starts an AES-GCM encryption.
    AesGcmEncryptInit = 0x3010 mailbox "MCGI", Once;
    /// Continues an AES-GCM encryption.
    AesGcmEncryptUpdate = 0x3011 mailbox "MCGU", Idempotent;
    /// Ends an AES-GCM encryption.
    AesGcmEncryptFinal = 0x3012 mailbox "MCGF", Idempotent;
    /// Starts an AES-GCM decryption.
    AesGcmDecryptInit = 0x3013 mailbox "MCDI", Idempotent;
    /// Continues an AES-GCM decryption.
    AesGcmDecryptUpdate = 0x3014 mailbox "MCDU", Idempotent;
    /// Ends an AES-GCM decryption.
    AesGcmDecryptFinal = 0x3015 mailbox "MCDF", Idempotent;

    /// Signs with an ECDSA P-384 key.
    EcdsaSign = 0x4001 mailbox "MCES", Idempotent;
    /// Verifies a signature with an ECDSA P-384 key of the device.
    EcdsaVerify = 0x4002 mailbox "MCEV", Idempotent;
    /// First half of a Diffie-Hellman exchange: the device makes an ephemeral key.
    EcdhDerive = 0x4003 mailbox "MCEG", Once;
    /// Public key of an ECDSA P-384 key of the device.
    EcdsaPublicKey = 0x4004 mailbox "MCEP", Idempotent;
    /// Second half of a Diffie-Hellman exchange.
    EcdhFinish = 0x4005 mailbox "MCEF", Once;
    /// Verifies a signature over a digest with a public key that the caller gives.
    EcdsaVerifyDigest = 0x4006 mailbox "MECV", Idempotent;

    /// Gives back what was sent.
    DebugEcho = 0x7001, Idempotent;
    /// Status of the device for debugging.
    DebugGetStatus = 0x7002, Idempotent;
    /// Drains a part of the log: what was read is gone.
    DebugGetLog = 0x7005 mailbox "MGLG" vdm GetDebugLog, Once;
    /// Clears the log.
    DebugClearLog = 0x7008 mailbox "MCLG" vdm ClearDebugLog, Idempotent;
    /// Asks for a debug unlock challenge.
    ProdDebugUnlockReq = 0x7010 mailbox "MPUR", Once;
    /// Answers a debug unlock challenge.
    ProdDebugUnlockToken = 0x7011 mailbox "MPUT", Once;

    /// Reads a fuse.
    FuseRead = 0x8001 mailbox "IFPR", Idempotent;
    /// Writes a fuse word. The contract calls an identical write harmless.
    FuseWrite = 0x8002 mailbox "IFPW", Idempotent;
    /// Locks a fuse partition. The contract calls a repetition harmless.
    FuseLock = 0x8003 mailbox "IFPK", Idempotent;
    /// Asks for a challenge that authorizes one command.
    GetAuthCmdChallenge = 0x8010 mailbox "MACC", Once;
    /// Programs field entropy.
    FeProg = 0x8011 mailbox "MCFP", Once;
    /// Provisions the hash of the vendor's public keys.
    ProvisionVendorPkHash = 0x8012 mailbox "PVPK", Once;
    /// Raises the least security version of Caliptra's firmware.
    FuseIncreaseCaliptraMinSvn = 0x8013 mailbox "MCMS", Once;
    /// Revokes a vendor's public key.
    FuseRevokeVendorPubKey = 0x8014 mailbox "MRVK", Once;
    /// Revokes the hash of the vendor's public keys.
    FuseRevokeVendorPkHash = 0x8015 mailbox "RVKH", Once;
    /// Provisions the hash of the owner's public keys.
    ProvisionOwnerPkHash = 0x8017 mailbox "POPK", Once;
    /// Raises one of the least security versions.
    FuseIncreaseMinSvn = 0x801A mailbox "MIMS", Once;

    /// Locks the ownership.
    DotLock = 0x8020 dot "MDLK", Once;
    /// Disables the ownership.
    DotDisable = 0x8021 dot "MDDS", Once;
    /// Asks for an unlock challenge.
    DotUnlockChallenge = 0x8022 dot "MDUC", Once;
    /// Unlocks the ownership.
    DotUnlock = 0x8023 dot "MDUL", Once;
    /// Changes the owner's keys.
    DotRotate = 0x8024 dot "MDRT", Once;
    /// Exports a backup of the ownership blob.
    GetDotBackupBlob = 0x8025 dot "MDBB", Idempotent;
    /// Status of the ownership.
    DotStatus = 0x8026 dot "MDST", Idempotent;
    /// Restores the ownership from a backup.
    DotRecovery = 0x8027 dot "MDRC", Once;
    /// Asks for an override challenge.
    DotOverrideChallenge = 0x8028 dot "DOTW", Once;
    /// Overrides the ownership.
    DotOverride = 0x8029 dot "DOTX", Once;
}

impl CaliptraCommandId {
    /// The public library's name for [`AesInit`](Self::AesInit).
    pub const AES_ENCRYPT_INIT: Self = Self::AesInit;
    /// The public library's name for [`AesUpdate`](Self::AesUpdate).
    pub const AES_ENCRYPT_UPDATE: Self = Self::AesUpdate;
    /// The public library's name for [`EcdhDerive`](Self::EcdhDerive).
    pub const ECDH_GENERATE: Self = Self::EcdhDerive;

    /// The command of a mailbox code; for a command of device ownership transfer the subcommand tells which.
    pub fn from_mailbox_code(code: u32, subcommand: Option<u32>) -> Option<Self> {
        Self::ALL.iter().copied().find(|id| {
            id.mailbox_code() == Some(code) && (code != DOT_FAMILY || id.dot_fourcc() == subcommand)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_contract() {
        assert_eq!(fourcc("MFWV"), 0x4D46_5756);
        assert_eq!(
            CaliptraCommandId::GetDeviceId.mailbox_code(),
            Some(0x4D44_4944)
        );
        assert_eq!(
            CaliptraCommandId::DebugGetLog.mailbox_code(),
            Some(0x4D47_4C47)
        );
        assert_eq!(CaliptraCommandId::DotStatus.mailbox_code(), Some(0x11));
        assert_eq!(
            CaliptraCommandId::DotStatus.dot_fourcc(),
            Some(fourcc("MDST"))
        );
        assert_eq!(CaliptraCommandId::DebugEcho.mailbox_code(), None);
        assert_eq!(
            CaliptraCommandId::from_u32(0x2004),
            Some(CaliptraCommandId::HashOneShot)
        );
        assert_eq!(CaliptraCommandId::from_u32(0x2005), None);
    }

    #[test]
    fn no_two_commands_share_a_number_or_a_code() {
        for (at, one) in CaliptraCommandId::ALL.iter().enumerate() {
            assert_eq!(CaliptraCommandId::from_u32(*one as u32), Some(*one));
            for other in &CaliptraCommandId::ALL[at + 1..] {
                assert_ne!(*one as u32, *other as u32);
                let same = one.mailbox_code().is_some()
                    && one.mailbox_code() == other.mailbox_code()
                    && one.dot_fourcc() == other.dot_fourcc();
                assert!(!same, "{one:?} {other:?}");
            }
            if let Some(code) = one.mailbox_code() {
                assert_eq!(
                    CaliptraCommandId::from_mailbox_code(code, one.dot_fourcc()),
                    Some(*one)
                );
            }
        }
    }
}
