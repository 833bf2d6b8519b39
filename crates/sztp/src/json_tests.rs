//! JSON as serde_json reads it, and what is no JSON.

use crate::json::*;
use heapless::String;
use proptest::prelude::*;

/// What serde_json makes of the same value.
fn same(value: Value<'_>, other: &serde_json::Value) {
    match other {
        serde_json::Value::Object(map) => {
            let members: Vec<_> = value.members().unwrap().collect();
            // serde_json keeps the last one of those with one name.
            let mut names: Vec<String<256>> = Vec::new();
            for (name, _) in &members {
                let name = name.copy().unwrap();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            assert_eq!(names.len(), map.len());
            for (name, other) in map {
                let last = members.iter().rev().find(|(of, _)| of.is(name)).unwrap();
                same(last.1, other);
            }
            assert!(value.elements().is_none() && value.text().is_none());
        }
        serde_json::Value::Array(list) => {
            let elements: Vec<_> = value.elements().unwrap().collect();
            assert_eq!(elements.len(), list.len());
            elements
                .iter()
                .zip(list)
                .for_each(|(value, other)| same(*value, other));
            assert!(value.members().is_none() && value.number().is_none());
        }
        serde_json::Value::String(text) => {
            let found: std::string::String = value.text().unwrap().chars().collect();
            assert_eq!(&found, text);
        }
        serde_json::Value::Bool(truth) => assert_eq!(value.boolean(), Some(*truth)),
        serde_json::Value::Number(number) => {
            let short = number
                .as_u64()
                .and_then(|number| u16::try_from(number).ok());
            // 1e3 and 1.0 are whole numbers, and nobody writes a port so.
            assert!(value.number().is_none() || value.number() == short);
        }
        serde_json::Value::Null => {
            assert!(value.text().is_none() && value.boolean().is_none());
        }
    }
}

fn judge(document: &[u8]) {
    match (Value::parse(document), serde_json::from_slice(document)) {
        (Ok(value), Ok(other)) => same(value, &other),
        (Err(NotJson), Err(_)) => {}
        // serde_json refuses numbers that no f64 holds, and takes more levels.
        (Ok(_), Err(error)) => assert!(
            error.to_string().starts_with("number out of range"),
            "{error}: {}",
            document.escape_ascii()
        ),
        (Err(NotJson), Ok(_)) => assert!(
            deepest(document) > MAX_DEPTH.into(),
            "{}",
            document.escape_ascii()
        ),
    }
}

fn deepest(document: &[u8]) -> usize {
    document
        .iter()
        .filter(|octet| b"[{".contains(octet))
        .count()
}

#[test]
fn documents_that_people_write() {
    for document in [
        r#"{"a":{"b":[1,2,{"c":null}],"d":"x"},"e":true}"#,
        " [ ] ",
        "{ }",
        r#"{"a" : [ ] , "b" : { } , "c" : [ null ] }"#,
        r#""\u00e9\ud83d\ude00\/\n\b\f\r\t\"\\""#,
        r#"{"a":1,"a":2}"#,
        "-0.5e+10",
        "0",
        "true",
        "null",
        "[1e400]",
    ] {
        judge(document.as_bytes());
        assert!(Value::parse(document.as_bytes()).is_ok(), "{document}");
    }
}

#[test]
fn what_is_no_json_is_refused() {
    for document in [
        &b""[..],
        b" ",
        b"{",
        b"}",
        b"[1,]",
        b"[,1]",
        b"{\"a\"}",
        b"{\"a\":}",
        b"{\"a\":1,}",
        b"{a:1}",
        b"[1 2]",
        b"01",
        b"1.",
        b".5",
        b"+1",
        b"1e",
        b"nul",
        b"truex",
        b"\"a",
        b"\"\\x\"",
        b"\"\\u12\"",
        b"\"\\ud800\"",
        b"\"\\udc00\"",
        b"\"\\ud800\\u0041\"",
        b"\"\n\"",
        b"1 1",
        b"[}",
        b"{]",
        b"{\"a\":1]",
        b"[\xff]",
        b"\"\xc3\"",
        b"\xef\xbb\xbf1",
        b"'a'",
        b"[1}",
        b"NaN",
    ] {
        assert_eq!(
            Value::parse(document),
            Err(NotJson),
            "{}",
            document.escape_ascii()
        );
        judge(document);
    }
}

#[test]
fn the_number_of_levels_has_a_bound() {
    for (levels, fits) in [
        (usize::from(MAX_DEPTH), true),
        (usize::from(MAX_DEPTH) + 1, false),
        (100_000, false),
    ] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let document = format!("{}1{}", open.repeat(levels), close.repeat(levels));
            assert_eq!(Value::parse(document.as_bytes()).is_ok(), fits, "{levels}");
        }
    }
}

#[test]
fn a_value_knows_its_place_in_the_document() {
    let document = br#" { "a" : [ "x", {"b":"yz\n"} ] }"#;
    let value = Value::parse(document).unwrap();
    let (_, list) = value.members().unwrap().next().unwrap();
    let elements: Vec<_> = list.elements().unwrap().collect();
    let (at, len) = elements[0].text().unwrap().place();
    assert_eq!(&document[at..at + len], b"x");
    let (_, inner) = elements[1].members().unwrap().next().unwrap();
    let (at, len) = inner.text().unwrap().place();
    assert_eq!(&document[at..at + len], br"yz\n");
    assert!(inner.text().unwrap().is("yz\n") && !inner.text().unwrap().is("yz"));
    assert_eq!(inner.text().unwrap().copy::<3>().unwrap(), "yz\n");
    assert!(inner.text().unwrap().copy::<2>().is_none());
}

#[test]
fn numbers_and_truth_values() {
    let value = |text: &'static str| Value::parse(text.as_bytes()).unwrap();
    assert_eq!(value("65535").number(), Some(65535));
    for text in ["65536", "-1", "1.0", "1e1", "\"1\"", "null"] {
        assert_eq!(value(text).number(), None, "{text}");
    }
    assert_eq!(value("\"true\"").boolean(), Some(true));
    assert_eq!(value("\"false\"").boolean(), Some(false));
    assert_eq!(value("1").boolean(), None);
}

proptest! {
    #[test]
    fn serde_json_says_the_same(document in r#"([\[\]{},:" ]|"a"|"b"|1|-0|\\u00|true|null|[0-9a-f.]|\PC){0,40}"#) {
        judge(document.as_bytes());
    }

    #[test]
    fn serde_json_says_the_same_of_whole_documents(levels in 0..5_usize, words in prop::collection::vec(any::<(u8, std::string::String)>(), 1..20)) {
        let mut document = serde_json::Value::Null;
        for (kind, word) in words {
            let other = match kind % 5 {
                0 => serde_json::Value::from(kind),
                1 => serde_json::Value::from(word.as_str()),
                2 => serde_json::Value::Bool(kind > 99),
                _ => serde_json::Value::Null,
            };
            document = match kind % 3 {
                0 if deepest(document.to_string().as_bytes()) < levels => serde_json::json!([document, other]),
                1 if deepest(document.to_string().as_bytes()) < levels => serde_json::json!({ word: document, "x": other }),
                _ => other,
            };
        }
        judge(document.to_string().as_bytes());
        judge(serde_json::to_string_pretty(&document).unwrap().as_bytes());
    }
}
