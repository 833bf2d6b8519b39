//! Every option can be written with the names of this crate alone: an integrator needs no dependency on the protocol crates.

use netboot::{
    AfterDeclines, ArpProbe, DhcpOptions, Duration, NetworkOptions, TftpOptions, TftpTiming,
    VendorClass,
};

#[test]
fn options_are_written_with_this_crate_alone() {
    let options = NetworkOptions {
        dhcp: DhcpOptions {
            vendor_class: VendorClass::HttpClient,
            after_declines: AfterDeclines::Fail,
            offer_window: Duration::from_millis(1),
            probe: ArpProbe::Off,
            ..DhcpOptions::default()
        },
        tftp: TftpOptions {
            timing: TftpTiming::default(),
            ..TftpOptions::default()
        },
        ..NetworkOptions::default()
    };
    assert_eq!(options.dhcp.probe, ArpProbe::Off);
    assert_eq!(options.dhcp.after_declines, AfterDeclines::Fail);
}

/// What `Tls::new` takes.
#[cfg(feature = "https")]
#[test]
fn tls_is_made_with_this_crate_alone() {
    use netboot::Tls;
    use netboot::tls::channel::{SEND, SMALL_RECORDS};
    use netboot::tls::verify::{DEFAULT_ALGORITHMS, MAX_DEPTH, TimePolicy, Trust, TrustPolicy};
    let (mut receive, mut send) = ([0; SMALL_RECORDS], [0; SEND]);
    let trust = Trust {
        policy: TrustPolicy::Pinned {
            roots: &[],
            keys: &[[7; 32]],
        },
        time: TimePolicy::None,
        algorithms: DEFAULT_ALGORITHMS,
        max_depth: MAX_DEPTH,
    };
    let mut tls = Tls::new(&mut receive, &mut send, trust, None);
    tls.set_suites(netboot::tls::suite::DEFAULT_SUITES);
}
