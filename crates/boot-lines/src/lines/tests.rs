use super::*;

#[test]
fn a_log_line_is_none_of_ours() {
    assert_eq!(Said::parse("INFO link is up"), Ok(None));
    assert_eq!(Said::parse(""), Ok(None));
    assert_eq!(Said::parse("@later t=1 new=thing"), Ok(None));
}

#[test]
fn a_message_runs_to_the_end_of_the_line() {
    let text =
        "@attempt-failed t=7 index=2 code=0x00020004 blame=server message=a=b, file not found";
    let Ok(Some(Said::AttemptFailed { index, error })) = Said::parse(text) else {
        panic!("no failure");
    };
    assert_eq!(index, Some(2));
    assert_eq!(error.code, 0x0002_0004);
    assert_eq!(error.message, "a=b, file not found");
}

#[test]
fn a_number_alone_gets_its_sentence() {
    let text = "@attempt-failed t=7 index=2 code=0x00070003 blame=server";
    let Ok(Some(Said::AttemptFailed { error, .. })) = Said::parse(text) else {
        panic!("no failure");
    };
    assert_eq!(error.blame, "server");
    assert!(error.message.starts_with("SHA-256 not as expected"));
}

#[test]
fn a_value_may_hold_an_equals_sign() {
    let text = "@fetching t=7 index=0 uri=http://10.0.2.2/fw?slot=a";
    let Ok(Some(Said::Fetching { uri, .. })) = Said::parse(text) else {
        panic!("no fetch");
    };
    assert_eq!(uri, "http://10.0.2.2/fw?slot=a");
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    for (text, key) in [
        ("@requested t=1", "index"),
        ("@requested t=soon index=0", "t"),
        ("@requested t=1 index=256", "index"),
        ("@finished t=1 status=0", "status"),
        ("@memory static=1 stack_used=2", "stack_size"),
        ("@opened nothing", ""),
    ] {
        let error = Said::parse(text).expect_err(text);
        assert_eq!(error.key, key, "{text}");
        assert!(error.to_string().contains(text));
    }
}
