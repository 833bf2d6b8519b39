//! Bodies that break: the rest comes over a new connection, or an error has a name.

use crate::{SIZES, boot, https, plan};
use e2e::Boot;
use image_server::config::Framing;
use image_server::{HttpFault, Protocol, Rule, ServerConfig};
use netboot_core::{Coded, Duration};
use netboot_tls::TlsError;
use testbed::plan::FILE_NAMES;

const NAME: &str = FILE_NAMES[0];
const SIZE: u64 = SIZES[0] as u64;

fn once(server: &mut ServerConfig, fault: HttpFault) {
    server
        .faults
        .http
        .add(Rule::new(fault).named(NAME).times(1));
}

/// Status, offset and octets of each answer for `NAME`.
fn answers(boot: &Boot) -> Vec<(u16, u64, u64)> {
    boot.served(Protocol::Https, NAME)
        .iter()
        .map(|served| (served.status, served.offset, served.octets))
        .collect()
}

/// After each kind of end the rest is asked for from the very octet, over a connection that proves itself anew.
#[test]
fn the_rest_comes_over_a_new_connection() {
    for at in [1, 777, 16_384, 65_536, SIZE - 1] {
        for fault in [
            HttpFault::ResetAfter(at),
            HttpFault::CloseAfter(at),
            HttpFault::TlsCutAfter(at),
            HttpFault::StallAfter(at),
        ] {
            let plan = plan();
            let ended = boot(&plan, |server| once(server, fault.clone()));
            ended.assert_booted(&plan);
            assert_eq!(
                answers(&ended),
                [(200, 0, at), (206, at, SIZE - at)],
                "{fault:?}"
            );
            assert_eq!((ended.resumes(0), ended.retries(0)), (1, 0), "{fault:?}");
            assert_eq!(ended.handshakes(), 2, "{fault:?}");
        }
    }
}

/// Cut again and again, with some progress each time.
#[test]
fn as_long_as_there_is_progress() {
    let plan = plan();
    let ended = boot(&plan, |server| {
        let rule = Rule::new(HttpFault::TlsCutAfter(17_000)).named(NAME);
        server.faults.http.add(rule);
    });
    ended.assert_booted(&plan);
    assert_eq!((ended.resumes(0), ended.handshakes()), (5, 6));
}

/// What somebody on the way puts into the stream: the first attempt ends with its name, the next one is whole.
#[test]
fn forgeries_in_the_body() {
    let raw = |octets: &[u8]| vec![HttpFault::TlsRawAfter(30_000, octets.to_vec())];
    let cases = [
        (
            "close_notify",
            HttpFault::forged_close_notify(30_000).to_vec(),
            Some(TlsError::BadRecord),
        ),
        (
            "an alert",
            raw(&[21, 3, 3, 0, 2, 2, 40]),
            Some(TlsError::BadRecord),
        ),
        (
            "a message",
            raw(&[22, 3, 3, 0, 4, 0, 0, 0, 0]),
            Some(TlsError::BadRecord),
        ),
        ("noise", raw(&[0x47; 40]), Some(TlsError::BadRecord)),
        // May be damage on the way: taken up again, without another attempt.
        (
            "a sealed record",
            raw(&[&[23, 3, 3, 0, 30][..], &[7; 30]].concat()),
            None,
        ),
    ];
    for (what, faults, error) in cases {
        println!("{what}");
        let strict = plan();
        let spoil = |server: &mut ServerConfig| {
            for fault in &faults {
                once(server, fault.clone());
            }
        };
        let ended = boot(&strict, spoil);
        match error {
            Some(error) => {
                ended.assert_failed(&strict, error.code(), error.blame());
                assert!(!ended.outcome.images[0].activated, "{what}");
                // What came before the forgery, and not an octet of it.
                assert!(ended.outcome.images[0].octets <= 30_000, "{what}");
            }
            None => {
                ended.assert_booted(&strict);
                assert_eq!((ended.resumes(0), ended.handshakes()), (1, 2), "{what}");
            }
        }
        let mut patient = plan();
        patient.settings = "probe off\n".into();
        let ended = boot(&patient, spoil);
        ended.assert_booted(&patient);
        // Another attempt asks for the rest of the file alone.
        assert_eq!(ended.handshakes(), 2, "{what}");
    }
}

/// Always: a named error, and no image that is short.
#[test]
fn a_body_that_never_comes_whole() {
    for (fault, codes) in [
        (HttpFault::TlsCutAfter(0), vec![TlsError::Truncated.code()]),
        // A reset proves nothing more than a FIN does.
        (HttpFault::ResetAfter(0), vec![TlsError::Truncated.code()]),
        (HttpFault::CloseAfter(0), vec![0x0003_0013]),
        (HttpFault::NeverAnswer, vec![0x0005_0019]),
        (HttpFault::StallAfter(0), vec![0x0005_000D]),
        (
            HttpFault::TlsRawAfter(0, vec![0x47; 9]),
            vec![TlsError::BadRecord.code()],
        ),
    ] {
        let plan = plan();
        let ended = boot(&plan, |server| server.faults.http.always(fault.clone()));
        ended.check(&plan).unwrap();
        let code = ended.error().expect("an error").code();
        assert!(
            codes.contains(&code),
            "{fault:?}: {code:#x}\n{}",
            ended.console
        );
        assert!(ended.outcome.images.iter().all(|image| !image.activated));
        assert!(
            ended.took() < Duration::from_secs(120),
            "{fault:?} {}",
            ended.took()
        );
        assert!(ended.waits < 50_000, "{fault:?}: {} waits", ended.waits);
    }
}

/// A body that the end of the connection delimits is whole only when the server has said so under its keys.
#[test]
fn the_end_of_the_connection_is_no_end_of_the_body() {
    let plan = plan();
    let until_the_close = |server: &mut ServerConfig| server.http.framing = Framing::Close;
    boot(&plan, until_the_close).assert_booted(&plan);
    // Over plain HTTP the same cut is the end of a shorter file; here it never is.
    let ended = boot(&plan, |server| {
        until_the_close(server);
        server.faults.http.always(HttpFault::TlsCutAfter(40_000));
    });
    let error = TlsError::Truncated;
    ended.assert_failed(&plan, error.code(), error.blame());
    assert!(ended.outcome.images.iter().all(|image| !image.activated));
    // Once, and the next attempt brings it whole.
    let mut patient = crate::plan();
    patient.settings = "probe off\n".into();
    let ended = boot(&patient, |server| {
        until_the_close(server);
        once(server, HttpFault::TlsCutAfter(40_000));
    });
    ended.assert_booted(&patient);
    // All of the body, but no word of its end.
    let ended = boot(&plan, |server| {
        until_the_close(server);
        server.faults.http.always(HttpFault::TlsCutAfter(SIZE));
    });
    ended.assert_failed(&plan, error.code(), error.blame());
}

#[test]
fn slow_and_dripping_servers_are_waited_for() {
    for fault in [
        HttpFault::Drip(20_000),
        HttpFault::Delay(Duration::from_secs(8)),
        HttpFault::Burst(200, 1_500),
        HttpFault::Framing(Framing::Chunked),
        HttpFault::Interim(5),
        HttpFault::SilentClose,
        HttpFault::Http10,
    ] {
        let plan = plan();
        let ended = boot(&plan, |server| server.faults.http.always(fault.clone()));
        ended.assert_booted(&plan);
    }
}

/// The server ends the idle connection while the device verifies, just as the next request goes out.
#[test]
fn a_connection_closed_while_idle_is_opened_again() {
    let mut plan = plan();
    for verify_ms in [900, 990, 999, 1_000, 1_001, 1_010, 1_500] {
        plan.device = format!("verify_ms {verify_ms}\n");
        plan.link.delay = Duration::from_millis(5);
        let ended = boot(&plan, |server| {
            server.http.idle_timeout = Duration::from_secs(1);
        });
        ended.assert_booted(&plan);
        assert_eq!(ended.attempts_failed(), Vec::<u32>::new());
    }
}

/// One request a connection: three proofs for three images.
#[test]
fn a_server_that_keeps_no_connection() {
    let plan = plan();
    let ended = boot(&plan, |server| {
        server.http.max_requests = Some(1);
        https(server).tickets = 4;
    });
    ended.assert_booted(&plan);
    assert_eq!((ended.tls.len(), ended.handshakes()), (3, 3));
}
