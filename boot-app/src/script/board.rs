//! What a board gives, so that scripts can run.

use heapless::{String, Vec};
use netboot_core::uri::Uri;
use netboot_ipxe::NAME_LEN;
use netboot_ipxe::script::{Menus, SCRIPT_LEN, Settings, Variables};
use netboot_ipxe::terminal::Terminal;

/// The script that a boot begins with unless the board brings another one: it does what a boot without scripts does, and runs the boot file where
/// that is a script.
pub const DEFAULT_SCRIPT: &str = "#!ipxe\nautoboot\n";

/// Scripts that run at the same time at most, each one chained by the one before. The board's own script is not counted.
pub const MAX_DEPTH: usize = 4;

/// Scripts that a boot runs at most, the board's own one not counted. It ends scripts that chain each other for ever where a server answers in no time.
pub(crate) const MAX_SCRIPTS: u16 = 1000;

/// What a script has chained.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one exists at a time, and there is no heap"
)]
pub(crate) enum Next {
    /// What lies there.
    Place(Uri),
    /// The image of this name.
    Image(String<NAME_LEN>),
}

/// What a board knows of itself. A script reads it as settings; an empty text, and a UUID of zeros, are settings that do not exist.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'c> {
    /// `uuid`: the UUID of the system, in the order of its text form (RFC 9562).
    pub uuid: [u8; 16],
    /// `serial`: the serial number of the system.
    pub serial: &'c str,
    /// `manufacturer`: who made the system.
    pub manufacturer: &'c str,
    /// `product`: what the system is.
    pub product: &'c str,
    /// `asset`: the owner's number for it.
    pub asset: &'c str,
    /// Further settings, as name and text. They come first.
    pub more: &'c [(&'c str, &'c str)],
}

/// Memory for scripts: `DEPTH` of `LEN` octets that run at the same time, and `VARIABLES` octets for the settings that they make up.
///
/// Each setting takes three octets beside its name and its value.
pub struct ScriptSpace<
    const LEN: usize = SCRIPT_LEN,
    const DEPTH: usize = 2,
    const VARIABLES: usize = 1024,
> {
    texts: [[u8; LEN]; DEPTH],
    variables: Variables<VARIABLES>,
    menus: Menus,
}

impl<const LEN: usize, const DEPTH: usize, const VARIABLES: usize>
    ScriptSpace<LEN, DEPTH, VARIABLES>
{
    /// Makes empty memory.
    pub const fn new() -> Self {
        const {
            assert!(DEPTH >= 1 && DEPTH <= MAX_DEPTH, "DEPTH is 1 to 4");
        }
        Self {
            texts: [[0; LEN]; DEPTH],
            variables: Variables::new(),
            menus: Menus::new(),
        }
    }
}

impl<const LEN: usize, const DEPTH: usize, const VARIABLES: usize> Default
    for ScriptSpace<LEN, DEPTH, VARIABLES>
{
    fn default() -> Self {
        Self::new()
    }
}

/// A boot file that is a script.
pub(crate) struct BootScript<'c> {
    /// Where it lies.
    pub buffer: &'c mut [u8],
    pub script: Read,
}

/// A script that was read into a buffer.
pub(crate) struct Read {
    /// Its octets.
    pub len: usize,
    /// Where it came from.
    pub uri: Uri,
    /// Whether `imgverify` has seen it.
    pub verified: bool,
}

/// What a board gives, so that scripts can run ([`BootApp::use_scripts`](crate::BootApp::use_scripts)).
pub struct Scripts<'c> {
    /// The script that the boot begins with.
    pub(crate) built_in: &'c str,
    /// Whether a line of the shell runs.
    pub(crate) at_prompt: bool,
    /// Number of scripts that may still be run.
    pub(crate) left: u16,
    /// What a script has chained.
    pub(crate) next: Option<Next>,
    /// The boot file, when it is a script that has not run yet.
    pub(crate) boot_file: Option<BootScript<'c>>,
    /// What a person has typed.
    #[cfg(feature = "menu")]
    pub(crate) typed: String<{ netboot_ipxe::script::VALUE_LEN }>,
    /// Buffers that are free.
    pub(crate) free: Vec<&'c mut [u8], MAX_DEPTH>,
    pub(crate) variables: &'c mut dyn Settings,
    /// `None` while a script looks at them.
    pub(crate) menus: Option<&'c mut Menus>,
    pub(crate) terminal: &'c mut dyn Terminal,
    pub(crate) facts: Facts<'c>,
    /// Who may sign images.
    #[cfg(feature = "verify")]
    pub(crate) signers: Option<netboot_x509::Trust<'c>>,
}

impl<'c> Scripts<'c> {
    /// Puts together what scripts need. The boot begins with [`DEFAULT_SCRIPT`].
    pub fn new<const LEN: usize, const DEPTH: usize, const VARIABLES: usize>(
        space: &'c mut ScriptSpace<LEN, DEPTH, VARIABLES>,
        terminal: &'c mut dyn Terminal,
        facts: Facts<'c>,
    ) -> Self {
        let ScriptSpace {
            texts,
            variables,
            menus,
        } = space;
        let mut free = Vec::new();
        for text in texts {
            // `ScriptSpace::new` has checked that they fit.
            let _ = free.push(&mut text[..]);
        }
        Self {
            built_in: DEFAULT_SCRIPT,
            at_prompt: false,
            left: 0,
            next: None,
            boot_file: None,
            #[cfg(feature = "menu")]
            typed: heapless::String::new(),
            free,
            variables,
            menus: Some(menus),
            terminal,
            facts,
            #[cfg(feature = "verify")]
            signers: None,
        }
    }

    /// Says who may sign images: `imgverify` believes a signer whose certificate leads to one of these roots, or is pinned. Without it `imgverify` knows digests
    /// only.
    #[cfg(feature = "verify")]
    #[must_use]
    pub fn with_signers(mut self, trust: netboot_x509::Trust<'c>) -> Self {
        self.signers = Some(trust);
        self
    }

    /// Begins the boot with this script in place of [`DEFAULT_SCRIPT`].
    #[must_use]
    pub fn with_script(mut self, text: &'c str) -> Self {
        self.built_in = text;
        self
    }
}
