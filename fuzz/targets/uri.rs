//! Arbitrary text as a URI, and as a reference to resolve: what was accepted is accepted again as it was written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netboot_core::uri::{MAX_URI, Scheme, Uri};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (base, reference) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(base) = Uri::parse(base) else {
        return;
    };
    check(&base);
    if let Ok(joined) = base.join(reference) {
        check(&joined);
    }
});

/// What holds for every URI.
fn check(uri: &Uri) {
    assert!(uri.as_str().len() <= MAX_URI);
    let again = Uri::parse(uri.as_str()).expect("what was accepted is accepted again");
    assert_eq!(&again, uri);
    // A private scheme has no port of its own.
    assert!(uri.port() != 0 || uri.scheme() == Scheme::Private);
    assert!(uri.target().starts_with('/'));
    let mut buffer = [0; MAX_URI];
    if let Ok(path) = uri.decode_path(&mut buffer) {
        assert!(!path.contains('\0'));
    }
}
