use super::*;
use crate::error::Coded;
use proptest::prelude::*;
use std::string::String;

fn uri(text: &str) -> Uri {
    Uri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> UriError {
    match Uri::parse(text) {
        Err(error) => error,
        Ok(uri) => panic!("{text} became {}", uri.as_str()),
    }
}

#[test]
fn components() {
    let uri = uri("HTTP://Bob:s%40fe@Images.Example.COM:8080/a%20b/C?x=/?#top");
    assert_eq!(uri.scheme(), Scheme::Http);
    assert_eq!(uri.host(), Host::Name("images.example.com"));
    assert_eq!(uri.port(), 8080);
    assert_eq!(uri.authority(), "images.example.com:8080");
    assert_eq!(uri.path(), "/a%20b/C");
    assert_eq!(uri.query(), Some("x=/?"));
    assert_eq!(uri.target(), "/a%20b/C?x=/?");
    assert_eq!(
        uri.as_str(),
        "http://Bob:s%40fe@images.example.com:8080/a%20b/C?x=/?"
    );
    assert_eq!(
        uri.to_string(),
        "http://***@images.example.com:8080/a%20b/C?x=/?"
    );
    assert_eq!(format!("{uri:?}"), uri.to_string());
    let mut buf = [0; 64];
    assert_eq!(uri.credentials(&mut buf), Ok(Some(("Bob", "s@fe"))));
    assert_eq!(uri.decode_path(&mut buf), Ok("a b/C"));
    assert_eq!(
        uri.decode_path(&mut buf[..4]),
        Err(UriError::BufferTooSmall)
    );
}

#[test]
fn defaults() {
    for (text, port) in [("tftp://h", 69), ("http://h", 80), ("https://h", 443)] {
        let uri = uri(text);
        assert_eq!((uri.port(), uri.path(), uri.target()), (port, "/", "/"));
        assert_eq!((uri.authority(), uri.query()), ("h", None));
    }
    // An empty port and empty user information are no more than absent ones.
    assert_eq!(uri("http://h:/x").as_str(), "http://h/x");
    assert_eq!(uri("http://@h/x").as_str(), "http://h/x");
    assert_eq!(uri("http://h?q").target(), "/?q");
    assert_eq!(uri("http://h/?").query(), Some(""));
    assert_eq!(
        uri("http://u@h/").credentials(&mut [0; 9]),
        Ok(Some(("u", "")))
    );
    assert_eq!(uri("http://h/").credentials(&mut []), Ok(None));
}

#[cfg(feature = "ipv6-literals")]
#[test]
fn hosts() {
    assert_eq!(
        uri("tftp://10.0.2.2/x").host(),
        Host::V4(Ipv4Addr::new(10, 0, 2, 2))
    );
    let six = uri("http://[2001:DB8::1]:81/x");
    assert_eq!(six.host(), Host::V6("2001:db8::1".parse().unwrap()));
    assert_eq!(six.authority(), "[2001:db8::1]:81");
    assert_eq!(six.port(), 81);
    assert_eq!(
        uri("http://a_b.c-d.example./").host(),
        Host::Name("a_b.c-d.example.")
    );
    assert_eq!(
        uri("http://3com.example/").host(),
        Host::Name("3com.example")
    );

    for text in [
        "http:///x",
        "http://",
        "http://:80/",
        "http://u@/",
        "http:x",
        "http:/x",
    ] {
        assert_eq!(refused(text), UriError::NoHost, "{text}");
    }
    for text in [
        "http://1.2.3/",
        "http://1.2.3.4.5/",
        "http://256.1.1.1/",
        "http://01.2.3.4/",
        "http://1.2.3.4./",
        "http://12345/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://[v7.x]/",
        "http://[]/",
        "http://[1:2:3:4:5:6:7:8:9]/",
        "http://[1.2.3.4]/",
        "http://host.7/",
        "http://::1/",
        "http://h:80:80/",
    ] {
        assert_eq!(refused(text), UriError::BadAddress, "{text}");
    }
    for text in [
        "http://-a/",
        "http://a-/",
        "http://a..b/",
        "http://.a/",
        "http://./",
        "http://a%41/",
        "http://a$b/",
        "http://[::1]x/",
        "http://a[b]/",
    ] {
        assert_eq!(refused(text), UriError::BadHost, "{text}");
    }
    let label = "a".repeat(63);
    uri(&format!("http://{label}.{label}/"));
    assert_eq!(refused(&format!("http://{label}a/")), UriError::BadHost);
}

#[test]
fn refusals() {
    for text in ["http://h:0/", "http://h:65536/", "http://h:8x/"] {
        assert_eq!(refused(text), UriError::BadPort, "{text}");
    }
    for text in ["", "h/x", "/x", "//h/x", "?q", "1http://h/", "://h/"] {
        assert_eq!(refused(text), UriError::NotAbsolute, "{text}");
    }
    for text in ["ftp://h/", "file:///etc/passwd", "httpx://h/", "mailto:a@b"] {
        assert_eq!(refused(text), UriError::UnsupportedScheme, "{text}");
    }
    for text in [
        "http://h/%",
        "http://h/%4",
        "http://h/%4g",
        "http://u%@h/",
        "http://h/?%zz",
    ] {
        assert_eq!(refused(text), UriError::BadEncoding, "{text}");
    }
    for (text, at) in [
        ("http://h/a b", 10),
        ("http://h/\r\nX: y", 9),
        ("http://h/\0", 9),
        ("http://h/é", 9),
        ("http://h/{x}", 9),
        ("http://h/a?b\"", 12),
        ("http://u@x@h/", 8),
        (" http://h/", 0),
        ("http://h/a?b[", 12),
    ] {
        assert_eq!(refused(text), UriError::IllegalCharacter { at }, "{text}");
    }
    let longest = format!("http://h/{}", "x".repeat(MAX_URI - 9));
    assert_eq!(uri(&longest).as_str(), longest);
    assert_eq!(refused(&format!("{longest}x")), UriError::TooLong);
    assert_eq!(uri(&format!("{longest}#dropped")).as_str(), longest);
}

#[test]
fn tftp_file_names() {
    let mut buf = [0; MAX_URI];
    for (text, file) in [
        ("tftp://h/fw.bin", "fw.bin"),
        ("tftp://h//srv/fw.bin", "/srv/fw.bin"),
        ("tftp://h/fw.bin;mode=octet", "fw.bin"),
        ("tftp://h/fw.bin;MODE=Octet", "fw.bin"),
        ("tftp://h/fw%3Bmode=netascii", "fw;mode=netascii"),
        ("tftp://h/fw;v=2", "fw;v=2"),
        ("tftp://h/%c3%A9", "é"),
        ("tftp://h", ""),
    ] {
        assert_eq!(uri(text).decode_path(&mut buf), Ok(file), "{text}");
    }
    for (text, error) in [
        ("tftp://h/fw;mode=netascii", UriError::TransferMode),
        ("tftp://h/fw;mode", UriError::TransferMode),
        ("tftp://h/fw?x", UriError::TftpQuery),
        ("tftp://h/fw%00.bin", UriError::DecodedControl),
        ("tftp://h/fw%0a", UriError::DecodedControl),
        ("tftp://h/%ff", UriError::NotText),
    ] {
        assert_eq!(uri(text).decode_path(&mut buf), Err(error), "{text}");
    }
    // The mode is TFTP's alone.
    assert_eq!(
        uri("http://h/fw;mode=octet?x").decode_path(&mut buf),
        Ok("fw;mode=octet")
    );
}

#[cfg(feature = "ipv6-literals")]
#[test]
fn parts_of_a_dhcp_answer() {
    let mut buf = [0; MAX_URI];
    for file in [
        "fw.bin",
        "/srv/a b",
        "50%.bin",
        "x?y#z",
        "fw;mode=netascii",
        "é",
        "",
        "../x",
        "//",
    ] {
        let uri = Uri::from_parts(Scheme::Tftp, "10.0.2.2", None, file).unwrap();
        assert_eq!(uri.decode_path(&mut buf), Ok(file), "{}", uri.as_str());
    }
    let text = |host, port, path| {
        Uri::from_parts(Scheme::Http, host, port, path).map(|uri| uri.as_str().to_string())
    };
    assert_eq!(text("Boot", None, "/a b"), Ok("http://boot/a%20b".into()));
    assert_eq!(
        text("boot", Some(8080), "a"),
        Ok("http://boot:8080/a".into())
    );
    assert_eq!(
        text("fe80::1", Some(1), "a"),
        Ok("http://[fe80::1]:1/a".into())
    );
    assert_eq!(
        text("[fe80::1]", Some(65535), "a"),
        Ok("http://[fe80::1]:65535/a".into())
    );
    for host in ["evil/x", "u@h", "h?q", "h#f", "a b", "h\n", "%41"] {
        assert_eq!(text(host, None, "a"), Err(UriError::BadHost), "{host}");
    }
    // A port within the host is no way around the parameter.
    assert_eq!(text("h:80", None, "a"), Err(UriError::BadAddress));
    assert_eq!(text("", None, "a"), Err(UriError::NoHost));
    assert_eq!(text("h", Some(0), "a"), Err(UriError::BadPort));
    assert_eq!(
        text("h", None, "a\r\nb"),
        Err(UriError::IllegalCharacter { at: 1 })
    );
    assert_eq!(text("h", None, &"é".repeat(60)), Err(UriError::TooLong));
}

/// RFC 3986 section 5.4, all of it: normal and abnormal examples.
#[test]
fn reference_resolution_examples() {
    let base = uri("http://a/b/c/d;p?q");
    for (reference, target) in [
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        // RFC: "http://g"; an empty path is written as "/".
        ("//g", "http://g/"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        // Fragments are dropped.
        ("#s", "http://a/b/c/d;p?q"),
        ("g#s", "http://a/b/c/g"),
        ("g?y#s", "http://a/b/c/g?y"),
        (";x", "http://a/b/c/;x"),
        ("g;x", "http://a/b/c/g;x"),
        ("g;x?y#s", "http://a/b/c/g;x?y"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../", "http://a/"),
        ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"),
        ("../../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        (".g", "http://a/b/c/.g"),
        ("g..", "http://a/b/c/g.."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/./x", "http://a/b/c/g?y/./x"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("g#s/./x", "http://a/b/c/g"),
        ("g#s/../x", "http://a/b/c/g"),
    ] {
        assert_eq!(
            base.join(reference).unwrap().as_str(),
            target,
            "{reference}"
        );
    }
    assert_eq!(base.join("g:h"), Err(UriError::UnsupportedScheme));
    // Strict, as new parsers have to be: a scheme makes it absolute.
    assert_eq!(base.join("http:g"), Err(UriError::NoHost));
}

#[test]
fn reference_resolution_more() {
    let base = uri("https://u:p@a:444/x/../b//c?q");
    for (reference, target) in [
        ("d", "https://u:p@a:444/b//d"),
        ("../d", "https://u:p@a:444/b/d"),
        ("?", "https://u:p@a:444/x/../b//c?"),
        // Another authority is another owner: no user information goes along.
        ("//b/../d", "https://b/d"),
        ("http://a/./d", "http://a/d"),
        ("tftp://a/.//d;mode=octet", "tftp://a//d;mode=octet"),
    ] {
        assert_eq!(
            base.join(reference).unwrap().as_str(),
            target,
            "{reference}"
        );
    }
    assert_eq!(base.join("a:b"), Err(UriError::UnsupportedScheme));
    assert_eq!(base.join("1:b"), Err(UriError::NotAbsolute));
    assert_eq!(base.join("./1:b").unwrap().path(), "/b//1:b");
    assert_eq!(base.join("a b"), Err(UriError::IllegalCharacter { at: 1 }));
    assert_eq!(base.join("%"), Err(UriError::BadEncoding));
    assert_eq!(base.join(&"x".repeat(250)), Err(UriError::TooLong));
    // Only the result has to fit.
    let deep = uri(&format!("http://a/{}/f", "x".repeat(200)));
    let name = "y".repeat(200);
    assert_eq!(
        deep.join(&format!("../{name}")).unwrap().path(),
        format!("/{name}")
    );
}

#[test]
fn credentials_move_within_an_origin_only_on_request() {
    let secret = uri("http://u:p@h/x");
    let same = uri("http://H:80/y");
    let other = uri("https://h/y");
    assert!(secret.same_origin(&same));
    assert!(!secret.same_origin(&other));
    assert!(!secret.same_origin(&uri("http://h:81/")));
    assert!(!secret.same_origin(&uri("http://i/")));
    assert_eq!(
        same.with_credentials_of(&secret).unwrap().as_str(),
        "http://u:p@h:80/y"
    );
    assert_eq!(
        secret.with_credentials_of(&same).unwrap().as_str(),
        "http://h/x"
    );
}

#[test]
fn error_numbers_are_unique() {
    let mut codes: Vec<u32> = error::samples().iter().map(Coded::code).collect();
    codes.sort_unstable();
    let count = codes.len();
    codes.dedup();
    assert_eq!(
        (codes.len(), codes.first(), codes.last()),
        (count, Some(&0x1_0001), Some(&0x1_000E))
    );
}

/// Text that is often, but not always, a URI.
fn uri_like() -> impl Strategy<Value = String> {
    "(http|tftp|HTTPS|ftp)(://|:|//|)(u(:[p%4]{1,4})?@)?([a-z0-9.-]{1,12}|\\[[0-9a-f:.]{1,20}\\]|[0-9.]{1,15})(:[0-9]{0,6})?(/[a-z.%4;]{0,4}){0,6}(\\?[a-z/%]{0,4})?(#.*)?"
}

fn reference_like() -> impl Strategy<Value = String> {
    prop_oneof![
        "(\\.{0,3}|[a-z%]{0,3}|/){0,2}(/(\\.{0,3}|[a-z:;4%]{0,4})){0,8}(\\?[a-z]{0,3})?",
        uri_like(),
        any::<String>(),
    ]
}

fn invariants(uri: &Uri) {
    let again = Uri::parse(uri.as_str()).unwrap();
    assert_eq!(&again, uri);
    assert_eq!((again.host(), again.port()), (uri.host(), uri.port()));
    assert!(uri.as_str().len() <= MAX_URI && uri.as_str().is_ascii());
    assert!(uri.target().starts_with('/') && uri.path().starts_with('/'));
    assert!(
        uri.as_str()
            .ends_with(&format!("{}{}", uri.authority(), uri.target()))
    );
    assert_ne!(uri.port(), 0);
    let mut buf = [0; MAX_URI];
    if let Ok(path) = uri.decode_path(&mut buf) {
        assert!(!path.contains(|c: char| c.is_ascii_control()));
    }
    let _ = uri.credentials(&mut buf);
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in prop_oneof![any::<String>(), uri_like()]) {
        if let Ok(uri) = Uri::parse(&text) {
            invariants(&uri);
        }
    }

    #[test]
    fn joined_uris_are_uris(base in uri_like(), reference in reference_like()) {
        if let Ok(joined) = Uri::parse(&base).and_then(|base| base.join(&reference)) {
            invariants(&joined);
        }
    }

    #[test]
    fn relative_paths_leave_no_dots_and_keep_the_origin(path in "(/?(\\.{1,2}|[a-z]{0,2})){1,9}") {
        prop_assume!(!path.starts_with("//"));
        let base = Uri::parse("http://h:8/a/b/../c/d?q").unwrap();
        let joined = base.join(&path).unwrap();
        prop_assert!(joined.same_origin(&base));
        if !path.is_empty() {
            prop_assert!(joined.path().split('/').all(|segment| segment != "." && segment != ".."));
        }
    }

    #[test]
    fn the_password_is_never_shown(password in "[A-Z]{6,20}", path in "[a-z/]{0,9}") {
        let uri = Uri::parse(&format!("http://user:{password}@host/{path}")).unwrap();
        for shown in [uri.to_string(), format!("{uri:?}"), format!("{uri:#?}")] {
            prop_assert!(!shown.contains(&password) && !shown.contains("user"));
        }
    }

    #[test]
    fn file_names_survive(path in any::<String>()) {
        if let Ok(uri) = Uri::from_parts(Scheme::Tftp, "h", None, &path) {
            let mut buf = [0; MAX_URI];
            prop_assert_eq!(uri.decode_path(&mut buf), Ok(path.as_str()));
            invariants(&uri);
        }
    }

    #[test]
    fn hosts_stay_hosts(host in "[a-z0-9:@/?#.\\[\\]%_-]{0,12}") {
        if let Ok(uri) = Uri::from_parts(Scheme::Http, &host, None, "p") {
            prop_assert_eq!(uri.path(), "/p");
            prop_assert_eq!(uri.authority().trim_matches(['[', ']']), host.trim_matches(['[', ']']));
        }
    }

    #[cfg(feature = "ipv6-literals")]
    #[test]
    fn addresses_agree_with_core(
        four in "[0-9]{0,3}(\\.[0-9]{0,4}){2,4}",
        six in "([0-9a-f]{0,5}:{0,3}){1,9}([0-9.]{0,9})?",
        whole in any::<[u16; 8]>(),
        holes in any::<u8>(),
    ) {
        prop_assert_eq!(address::parse_v4(&four), four.parse().ok());
        prop_assert_eq!(address::parse_v6(&six), six.parse().ok());
        let mut groups = whole;
        for (at, group) in groups.iter_mut().enumerate() {
            *group *= u16::from(holes >> at & 1);
        }
        let address = Ipv6Addr::from(groups);
        prop_assert_eq!(address::parse_v6(&address.to_string()), Some(address));
    }
}

#[test]
fn a_private_scheme_keeps_its_name() {
    let uri = Uri::parse("X-Demo://Host/a/b?c").unwrap();
    assert_eq!(
        (uri.scheme(), uri.scheme_name(), uri.port()),
        (Scheme::Private, "x-demo", 0)
    );
    assert_eq!(uri.as_str(), "x-demo://host/a/b?c");
    assert_eq!(uri.join("d").unwrap().as_str(), "x-demo://host/a/d");
    assert_eq!(uri.join("//other/e").unwrap().as_str(), "x-demo://other/e");
    let with_port = Uri::parse("x-demo://u:p@host:7/").unwrap();
    assert_eq!(with_port.port(), 7);
    assert_eq!(with_port.to_string(), "x-demo://***@host:7/");
    assert_eq!(
        uri.with_credentials_of(&with_port).unwrap().as_str(),
        "x-demo://u:p@host/a/b?c"
    );
    assert!(!uri.same_origin(&Uri::parse("x-other://host/").unwrap()));
    for name in ["x-", "x", "xdemo", "-x"] {
        let text = format!("{name}://host/");
        assert!(Uri::parse(&text).is_err(), "{text}");
    }
}
