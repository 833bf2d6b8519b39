//! What a test leaves behind: nothing, however it ends.

use crate::{DHCP, RANGE};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use testbed::netns::{Lan, OTHER};
use testbed::real::asked_for;
use testbed::servers::{Nginx, Program, dnsmasq};

#[test]
fn a_test_that_panics_leaves_no_namespace_process_or_file() {
    if !asked_for(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    let mut traces = Vec::new();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let lan = Lan::new().unwrap();
        let other = lan.join(OTHER).unwrap();
        for host in [&lan.server, &other] {
            traces.push(Path::new("/run/netns").join(host.namespace.name()));
            traces.push(host.files());
        }
        let server = dnsmasq(&other, &format!("port=0\n{RANGE}"), &[DHCP]).unwrap();
        let web = Nginx::start(&lan.server, "").unwrap();
        for process in [server.id(), web.id()] {
            traces.push(Path::new("/proc").join(process.to_string()));
        }
        for trace in &traces {
            assert!(trace.exists(), "{}", trace.display());
        }
        panic!("as intended");
    }));
    let message = result.unwrap_err();
    assert_eq!(message.downcast_ref(), Some(&"as intended"));
    assert_eq!(traces.len(), 6);
    for trace in &traces {
        assert!(!trace.exists(), "{} is still there", trace.display());
    }
}
