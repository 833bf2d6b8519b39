//! Conveyed information (RFC 8572, section 6): where to go on, or what to run.

use crate::error::{Artifact, SztpError};
use crate::json::{self, Elements, Text, Value};
use crate::{MAX_IMAGE_PLACES, MAX_REDIRECTS};
use netboot_core::Digest;
use netboot_core::digest::hex_pair;

/// What the owner says to the device. All parts of it have the form of RFC 8572.
#[derive(Clone, Copy, Debug)]
pub enum Conveyed<'a> {
    /// The device has to ask other servers.
    Redirect(Redirect<'a>),
    /// The device has to run this, and to configure it.
    Onboarding(Onboarding<'a>),
}

/// Bootstrap servers, which the device asks in their order.
#[derive(Clone, Copy, Debug)]
pub struct Redirect<'a>(Elements<'a>);

/// One server of a redirect.
#[derive(Clone, Copy, Debug)]
pub struct BootstrapServer<'a> {
    /// Its name or address.
    pub address: Text<'a>,
    /// Its port.
    pub port: u16,
    /// Base64 of a CMS message in DER that carries certificates.
    pub trust_anchor: Option<Text<'a>>,
}

/// What the device has to run, and how it has to configure that.
#[derive(Clone, Copy, Debug)]
pub struct Onboarding<'a> {
    /// The image to be run, if the owner demands a certain one.
    pub boot_image: Option<BootImage<'a>>,
    /// How [`configuration`](Self::configuration) is used. It is there when the configuration is.
    pub handling: Option<Handling>,
    /// Base64 of a script that runs before the configuration is used.
    pub pre_configuration_script: Option<Text<'a>>,
    /// Base64 of the configuration.
    pub configuration: Option<Text<'a>>,
    /// Base64 of a script that runs after the configuration was used.
    pub post_configuration_script: Option<Text<'a>>,
}

/// How a configuration is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// It is added to what is there.
    Merge,
    /// It takes the place of what is there.
    Replace,
}

/// The image to be run.
#[derive(Clone, Copy, Debug)]
pub struct BootImage<'a> {
    /// Name of the operating system.
    pub os_name: Option<Text<'a>>,
    /// Its version.
    pub os_version: Option<Text<'a>>,
    /// SHA-256 of the file at each of the places.
    pub sha256: Option<Digest>,
    /// Places from which it can be downloaded.
    places: Option<Elements<'a>>,
}

impl<'a> Redirect<'a> {
    /// The servers in their order.
    pub fn servers(self) -> impl Iterator<Item = BootstrapServer<'a>> {
        self.0.filter_map(server)
    }
}

impl<'a> BootImage<'a> {
    /// URIs from which the image can be downloaded, the preferred one first.
    pub fn places(self) -> impl Iterator<Item = Text<'a>> {
        self.places.into_iter().flatten().filter_map(Value::text)
    }
}

impl<'a> Conveyed<'a> {
    /// Reads the content of a message with conveyed information.
    ///
    /// # Errors
    /// [`SztpError::Xml`], [`SztpError::NotJson`], [`SztpError::ConveyedInformation`], [`SztpError::TooManyServers`], [`SztpError::UnknownHash`],
    /// [`SztpError::NoImagePlace`].
    #[inline(never)]
    pub fn parse(content: &'a [u8]) -> Result<Self, SztpError> {
        const ARTIFACT: Artifact = Artifact::ConveyedInformation;
        let document = json::document(content, ARTIFACT)?;
        let mut choice = None;
        for (name, value) in document.members().ok_or(SztpError::ConveyedInformation)? {
            let is_redirect = name.is("ietf-sztp-conveyed-info:redirect-information");
            if is_redirect || name.is("ietf-sztp-conveyed-info:onboarding-information") {
                json::once(&mut choice, (is_redirect, value))
                    .ok_or(SztpError::ConveyedInformation)?;
            }
        }
        match choice {
            Some((true, value)) => redirect(value).map(Conveyed::Redirect),
            Some((false, value)) => onboarding(value).map(Conveyed::Onboarding),
            None => Err(SztpError::ConveyedInformation),
        }
    }
}

#[inline(never)]
fn redirect(value: Value<'_>) -> Result<Redirect<'_>, SztpError> {
    let bad = SztpError::ConveyedInformation;
    let mut servers = None;
    for (name, value) in value.members().ok_or(bad)? {
        if json::is_named(name, "bootstrap-server") {
            json::once(&mut servers, value).ok_or(bad)?;
        }
    }
    let servers = servers.and_then(Value::elements).ok_or(bad)?;
    let mut count = 0_u8;
    for element in servers {
        server(element).ok_or(bad)?;
        count = count.saturating_add(1);
        if count > MAX_REDIRECTS {
            return Err(SztpError::TooManyServers);
        }
    }
    match count {
        0 => Err(bad),
        _ => Ok(Redirect(servers)),
    }
}

/// One server of a redirect. `None`: a part of it has another form, or is there twice.
fn server(value: Value<'_>) -> Option<BootstrapServer<'_>> {
    let (mut address, mut port, mut trust_anchor) = (None, None, None);
    for (name, value) in value.members()? {
        if json::is_named(name, "address") {
            json::once(&mut address, value.text()?)?;
        } else if json::is_named(name, "port") {
            json::once(&mut port, value.number().filter(|port| *port != 0)?)?;
        } else if json::is_named(name, "trust-anchor") {
            json::once(&mut trust_anchor, value.text()?)?;
        }
    }
    Some(BootstrapServer {
        address: address?,
        port: port.unwrap_or(443),
        trust_anchor,
    })
}

#[inline(never)]
fn onboarding(value: Value<'_>) -> Result<Onboarding<'_>, SztpError> {
    let bad = SztpError::ConveyedInformation;
    let (mut image, mut handling) = (None, None);
    let (mut before, mut configuration, mut after) = (None, None, None);
    for (name, value) in value.members().ok_or(bad)? {
        let to = if json::is_named(name, "boot-image") {
            json::once(&mut image, value).ok_or(bad)?;
            continue;
        } else if json::is_named(name, "configuration-handling") {
            &mut handling
        } else if json::is_named(name, "pre-configuration-script") {
            &mut before
        } else if json::is_named(name, "configuration") {
            &mut configuration
        } else if json::is_named(name, "post-configuration-script") {
            &mut after
        } else {
            continue;
        };
        json::once(to, value.text().ok_or(bad)?).ok_or(bad)?;
    }
    let handling = match handling {
        None => None,
        Some(text) if text.is("merge") => Some(Handling::Merge),
        Some(text) if text.is("replace") => Some(Handling::Replace),
        Some(_) => return Err(bad),
    };
    // Each demands the other (RFC 8572, section 6.3).
    if handling.is_some() != configuration.is_some() {
        return Err(bad);
    }
    Ok(Onboarding {
        boot_image: image.map(boot_image).transpose()?,
        handling,
        pre_configuration_script: before,
        configuration,
        post_configuration_script: after,
    })
}

#[inline(never)]
fn boot_image(value: Value<'_>) -> Result<BootImage<'_>, SztpError> {
    let bad = SztpError::ConveyedInformation;
    let (mut os_name, mut os_version) = (None, None);
    let (mut places, mut hashes) = (None, None);
    for (name, value) in value.members().ok_or(bad)? {
        if json::is_named(name, "os-name") {
            json::once(&mut os_name, value.text().ok_or(bad)?).ok_or(bad)?;
        } else if json::is_named(name, "os-version") {
            json::once(&mut os_version, value.text().ok_or(bad)?).ok_or(bad)?;
        } else if json::is_named(name, "download-uri") {
            json::once(&mut places, value.elements().ok_or(bad)?).ok_or(bad)?;
        } else if json::is_named(name, "image-verification") {
            json::once(&mut hashes, value.elements().ok_or(bad)?).ok_or(bad)?;
        }
    }
    let mut count = 0_u8;
    for place in places.into_iter().flatten() {
        place.text().ok_or(bad)?;
        count = count.saturating_add(1);
    }
    match count {
        0 => return Err(SztpError::NoImagePlace),
        count if count > MAX_IMAGE_PLACES => return Err(bad),
        _ => {}
    }
    let mut sha256 = None;
    let mut others = false;
    for hash in hashes.into_iter().flatten() {
        match hash_of(hash).ok_or(bad)? {
            Some(digest) => json::once(&mut sha256, digest).ok_or(bad)?,
            None => others = true,
        }
    }
    if others && sha256.is_none() {
        return Err(SztpError::UnknownHash);
    }
    Ok(BootImage {
        os_name,
        os_version,
        sha256,
        places,
    })
}

/// The digest in an entry of `image-verification`; the inner `None` stands for one by an unknown algorithm. `None`: the entry has another form.
fn hash_of(value: Value<'_>) -> Option<Option<Digest>> {
    let (mut algorithm, mut hash) = (None, None);
    for (name, value) in value.members()? {
        if json::is_named(name, "hash-algorithm") {
            json::once(&mut algorithm, value.text()?)?;
        } else if json::is_named(name, "hash-value") {
            json::once(&mut hash, value.text()?)?;
        }
    }
    let (algorithm, hash) = (algorithm?, hash?);
    match json::is_named(algorithm, "sha-256") {
        true => digest(hash).map(Some),
        false => Some(None),
    }
}

/// A digest as `yang:hex-string` (RFC 6991, section 3), whose octets are separated by colons. Some writers leave the colons out.
fn digest(text: Text<'_>) -> Option<Digest> {
    /// Signs of the text without colons, and with them.
    const PLAIN: usize = 64;
    const COLONS: usize = 95;
    let mut signs: heapless::Vec<u8, COLONS> = heapless::Vec::new();
    for sign in text.chars() {
        signs.push(u8::try_from(sign).ok()?).ok()?;
    }
    let step = match signs.len() {
        PLAIN => 2,
        COLONS => 3,
        _ => return None,
    };
    let mut octets = [0; 32];
    for (octet, group) in octets.iter_mut().zip(signs.chunks(step)) {
        *octet = match group {
            [high, low] | [high, low, b':'] => hex_pair(*high, *low)?,
            _ => return None,
        };
    }
    Some(Digest(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(content: &str) -> Result<Conveyed<'_>, SztpError> {
        Conveyed::parse(content.as_bytes())
    }

    fn onboarding_of(members: &str) -> String {
        format!(r#"{{"ietf-sztp-conveyed-info:onboarding-information":{{{members}}}}}"#)
    }

    fn redirect_of(servers: &str) -> String {
        format!(
            r#"{{"ietf-sztp-conveyed-info:redirect-information":{{"bootstrap-server":[{servers}]}}}}"#
        )
    }

    fn error_of(content: &str) -> SztpError {
        parse(content).unwrap_err()
    }

    const HASH: &str = "c2:e5:2e:66:00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:55:32";

    #[test]
    fn onboarding_information_is_read() {
        let content = onboarding_of(&format!(
            r#""boot-image": {{"os-name": "caliptra-mcu-fw", "os-version": "2.0.1",
                "download-uri": ["https://127.0.0.1:8443/boot.img", "tftp:\/\/127.0.0.1/boot.img"],
                "image-verification": [{{"hash-algorithm": "acme:md5", "hash-value": "00"}},
                                       {{"hash-algorithm": "ietf-sztp-conveyed-info:sha-256", "hash-value": "{HASH}"}}]}},
                "pre-configuration-script": "cHJl", "configuration-handling": "merge", "configuration": "Y29uZg==",
                "post-configuration-script": "cG9zdA==", "acme:more": [1]"#
        ));
        let Ok(Conveyed::Onboarding(all)) = parse(&content) else {
            panic!();
        };
        let image = all.boot_image.unwrap();
        assert!(
            image.os_name.unwrap().is("caliptra-mcu-fw") && image.os_version.unwrap().is("2.0.1")
        );
        let places: Vec<String> = image
            .places()
            .map(|place| place.chars().collect())
            .collect();
        assert_eq!(
            places,
            [
                "https://127.0.0.1:8443/boot.img",
                "tftp://127.0.0.1/boot.img"
            ]
        );
        assert_eq!(image.sha256, Digest::from_hex(&HASH.replace(':', "")));
        assert_eq!(all.handling, Some(Handling::Merge));
        let mut space = [0; 8];
        for (text, octets) in [
            (all.pre_configuration_script, &b"pre"[..]),
            (all.configuration, b"conf"),
            (all.post_configuration_script, b"post"),
        ] {
            let len = text.unwrap().base64(&mut space).unwrap();
            assert_eq!(&space[..len], octets);
        }
    }

    #[test]
    fn parts_that_are_not_there_are_none() {
        let content = onboarding_of("");
        let Ok(Conveyed::Onboarding(all)) = parse(&content) else {
            panic!();
        };
        assert!(all.boot_image.is_none() && all.handling.is_none() && all.configuration.is_none());
        assert!(all.pre_configuration_script.is_none() && all.post_configuration_script.is_none());
        let content = onboarding_of(r#""boot-image":{"download-uri":["x"]}"#);
        let Ok(Conveyed::Onboarding(all)) = parse(&content) else {
            panic!();
        };
        let image = all.boot_image.unwrap();
        assert!(image.os_name.is_none() && image.os_version.is_none() && image.sha256.is_none());
    }

    #[test]
    fn a_redirect_is_read() {
        let content = redirect_of(
            r#"{"address":"127.0.0.1","port":9090,"trust-anchor":"AAAA"},{"address":"b.example"},{"address":"fd09::1","port":443}"#,
        );
        let Ok(Conveyed::Redirect(redirect)) = parse(&content) else {
            panic!();
        };
        let servers: Vec<_> = redirect.servers().collect();
        assert_eq!(
            servers.iter().map(|one| one.port).collect::<Vec<_>>(),
            [9090, 443, 443]
        );
        assert!(servers[0].address.is("127.0.0.1") && servers[1].address.is("b.example"));
        assert!(servers[0].trust_anchor.unwrap().is("AAAA") && servers[1].trust_anchor.is_none());
        let most = vec![r#"{"address":"a"}"#; usize::from(MAX_REDIRECTS)].join(",");
        assert!(parse(&redirect_of(&most)).is_ok());
        assert_eq!(
            error_of(&redirect_of(&format!(r#"{most},{{"address":"a"}}"#))),
            SztpError::TooManyServers
        );
    }

    #[test]
    fn other_forms_are_refused() {
        let bad = SztpError::ConveyedInformation;
        for content in [
            "{}",
            "[]",
            r#"{"onboarding-information":{}}"#,
            r#"{"ietf-sztp-conveyed-info:onboarding-information":[]}"#,
            r#"{"ietf-sztp-conveyed-info:onboarding-information":{},"ietf-sztp-conveyed-info:redirect-information":{}}"#,
            &redirect_of(""),
            &redirect_of("1"),
            &redirect_of("{}"),
            &redirect_of(r#"{"address":"a","port":0}"#),
            &redirect_of(r#"{"address":"a","port":65536}"#),
            &redirect_of(r#"{"address":"a","port":"443"}"#),
            &redirect_of(r#"{"address":"a","address":"b"}"#),
            &redirect_of(r#"{"address":"a","trust-anchor":null}"#),
            r#"{"ietf-sztp-conveyed-info:redirect-information":{}}"#,
            &onboarding_of(r#""configuration":"AAAA""#),
            &onboarding_of(r#""configuration-handling":"merge""#),
            &onboarding_of(r#""configuration":"AAAA","configuration-handling":"mix""#),
            &onboarding_of(r#""pre-configuration-script":1"#),
            &onboarding_of(r#""post-configuration-script":"","post-configuration-script":"""#),
            &onboarding_of(r#""boot-image":[]"#),
            &onboarding_of(r#""boot-image":{"download-uri":"x"}"#),
            &onboarding_of(r#""boot-image":{"download-uri":[1]}"#),
            &onboarding_of(r#""boot-image":{"download-uri":["x"],"os-name":1}"#),
            &onboarding_of(
                r#""boot-image":{"download-uri":["x"],"image-verification":[{"hash-algorithm":"sha-256"}]}"#,
            ),
        ] {
            assert_eq!(error_of(content), bad, "{content}");
        }
        for hash in [
            "",
            "00",
            &HASH[..95 - 3],
            &format!("{HASH}:00"),
            &HASH.replacen(':', "", 1),
            &HASH.replace("c2", "g2"),
            &HASH.replace(':', "-"),
        ] {
            let content = onboarding_of(&format!(
                r#""boot-image":{{"download-uri":["x"],"image-verification":[{{"hash-algorithm":"ietf-sztp-conveyed-info:sha-256","hash-value":"{hash}"}}]}}"#
            ));
            assert_eq!(error_of(&content), bad, "{hash}");
        }
        let many = vec![r#""x""#; usize::from(MAX_IMAGE_PLACES) + 1].join(",");
        assert_eq!(
            error_of(&onboarding_of(&format!(
                r#""boot-image":{{"download-uri":[{many}]}}"#
            ))),
            bad
        );
        assert_eq!(
            error_of(&onboarding_of(r#""boot-image":{}"#)),
            SztpError::NoImagePlace
        );
        assert_eq!(
            error_of(&onboarding_of(r#""boot-image":{"download-uri":[]}"#)),
            SztpError::NoImagePlace
        );
        let unknown = r#""boot-image":{"download-uri":["x"],"image-verification":[{"hash-algorithm":"sha-512","hash-value":"00"}]}"#;
        assert_eq!(error_of(&onboarding_of(unknown)), SztpError::UnknownHash);
        assert_eq!(
            error_of("{"),
            SztpError::NotJson(Artifact::ConveyedInformation)
        );
        assert_eq!(
            error_of("<x/>"),
            SztpError::Xml(Artifact::ConveyedInformation)
        );
    }
}
