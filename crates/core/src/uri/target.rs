//! The path and query of a place whose URI is too long for a [`Uri`].
//!
//! Storage services redirect to URIs with a signature of several hundred octets in the query. Nobody writes such a URI down: it
//! lives from one redirection to the next request. So it is held once, where it is used, and every other URI stays short.

use super::text::{before, check, cut, is_path_octet, split_scheme};
use super::{Builder, Uri, UriError, illegal_octet};

/// Whether a place may have a path and query that do not fit into a [`Uri`]: the feature `long-targets`.
pub const LONG_TARGETS: bool = cfg!(feature = "long-targets");

/// Octets of the longest path and query of a place that does not fit into a [`Uri`]; 0 without [`LONG_TARGETS`].
pub const MAX_TARGET: usize = if LONG_TARGETS { 2048 } else { 0 };

/// The path and query of a place in origin form (RFC 9112 section 3.2.1), up to [`MAX_TARGET`] octets. It is empty while the
/// place's [`Uri`] is whole.
#[derive(Clone, Default)]
pub struct Target {
    out: Builder<MAX_TARGET>,
}

impl Target {
    /// Makes an empty target.
    pub const fn new() -> Self {
        Self {
            out: Builder::new(),
        }
    }

    /// Path and query.
    pub fn as_str(&self) -> &str {
        &self.out.text
    }

    /// Whether the place's URI is whole.
    pub fn is_empty(&self) -> bool {
        self.out.text.is_empty()
    }

    /// Path and query of the place that `uri` and this target name.
    pub fn of<'t>(&'t self, uri: &'t Uri) -> &'t str {
        match self.is_empty() {
            true => uri.target(),
            false => self.as_str(),
        }
    }

    /// Forgets path and query.
    pub fn clear(&mut self) {
        self.out.text.clear();
        self.out.overflow = false;
    }

    /// Resolves `reference` (RFC 3986 section 5.2, strict) against the place that `base` and this target name. While the target is
    /// empty, that is `base` alone. The target becomes that of the new place, and what is returned is the URI of its root.
    ///
    /// # Errors
    /// Fails as [`Uri::join`] does, and with [`UriError::TooLong`] when the host has no room in a [`Uri`], or path and query have
    /// none here. The target is then empty.
    pub fn join(&mut self, base: &Uri, reference: &str) -> Result<Uri, UriError> {
        let result = self.resolve(base, reference);
        if result.is_err() {
            self.clear();
        }
        result
    }

    fn resolve(&mut self, base: &Uri, reference: &str) -> Result<Uri, UriError> {
        let reference = before(reference, b"#").0;
        illegal_octet(reference)?;
        let after_scheme = split_scheme(reference).map_or(reference, |(_, rest)| rest);
        let authority = after_scheme.strip_prefix("//");
        if authority.is_none() && after_scheme.len() != reference.len() {
            // A scheme without a host has no place here, and what is wrong with it is not its length.
            return Err(base.join(reference).err().unwrap_or(UriError::NoHost));
        }
        let rest = authority.map_or(reference, |text| before(text, b"/?").1);
        let at = reference.len() - rest.len();
        let (path, query) = before(rest, b"?");
        check(path, at, is_path_octet)?;
        check(query, at + path.len(), |octet| {
            is_path_octet(octet) || octet == b'?'
        })?;
        if authority.is_some() {
            self.clear();
            self.out.push_relative("/", rest)?;
        } else {
            self.push_relative(base, rest)?;
        }
        self.out.text()?;
        base.join(match authority {
            Some(_) => cut(reference, at).0,
            None => "/",
        })
    }

    /// Resolves a reference without scheme and host. The present target is copied for this, which takes its size of the stack.
    #[inline(never)]
    fn push_relative(&mut self, base: &Uri, reference: &str) -> Result<(), UriError> {
        let own = self.clone();
        self.clear();
        self.out.push_relative(own.of(base), reference)
    }
}

#[cfg(all(test, feature = "long-targets"))]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        Uri::parse(text).unwrap()
    }

    /// What both ways to resolve say must be the same wherever the short one has room.
    #[test]
    fn short_places_are_those_of_a_uri() {
        let bases = [
            "http://h/a/b/c?d",
            "https://u:p@h:8/",
            "http://h/a/",
            "http://h/a/../b/./c",
            "http://h/../a/..?q/x",
        ];
        let references = [
            "x",
            "./x",
            "../x",
            "../../../x",
            "/x/./y/../z",
            "?q",
            "x?q=/../y",
            "",
            "#f",
            "//i",
            "//i/x/../y",
            "http://i",
            "https://i?q",
            "http://i:9/a#f",
            ".",
            "..",
            "x/.",
            "x/..",
            "/",
            "//i?",
            "?",
            "a%2fb",
            "x/y:z",
        ];
        for base in bases.map(uri) {
            for reference in references {
                let mut target = Target::new();
                let root = target.join(&base, reference).unwrap();
                let whole = base.join(reference).unwrap();
                assert_eq!(target.as_str(), whole.target(), "{base} {reference}");
                assert!(root.same_origin(&whole) && root.target() == "/");
            }
            let wrong = [
                "mailto:x",
                "http:x",
                "a:b",
                "//",
                "http://i/%4",
                "/\"",
                "/x y",
                "//u@:1/",
                "?%",
                "/é",
            ];
            for reference in wrong {
                let mut target = Target::new();
                // Only the offsets of characters differ: these count in the reference.
                let kind =
                    |result: Result<Uri, UriError>| core::mem::discriminant(&result.unwrap_err());
                assert_eq!(
                    kind(target.join(&base, reference)),
                    kind(base.join(reference)),
                    "{reference}"
                );
                assert!(target.is_empty());
            }
        }
    }

    #[test]
    fn long_places() {
        let signed = format!(
            "https://storage.example/b/{}?sig={}",
            "p".repeat(400),
            "s".repeat(1_500)
        );
        let mut target = Target::new();
        let root = target.join(&uri("http://h/a"), &signed).unwrap();
        assert_eq!(root.as_str(), "https://storage.example/");
        assert_eq!(
            format!("https://storage.example{}", target.as_str()),
            signed
        );
        // From there on.
        let root = target.join(&root, "../x?y").unwrap();
        assert_eq!((root.target(), target.as_str()), ("/", "/x?y"));
        let root = target
            .join(&root, &format!("/{}/", "d".repeat(600)))
            .unwrap();
        target.join(&root, "e/f").unwrap();
        assert_eq!(target.as_str(), format!("/{}/e/f", "d".repeat(600)));
        target.join(&root, "?g").unwrap();
        assert_eq!(target.as_str(), format!("/{}/e/f?g", "d".repeat(600)));
    }

    #[test]
    fn the_limit() {
        let mut target = Target::new();
        let base = uri("http://h/");
        let longest = format!("/{}", "x".repeat(MAX_TARGET - 1));
        assert!(target.join(&base, &longest).is_ok());
        assert_eq!(target.as_str(), longest);
        let more = target.join(&base, &format!("{longest}x"));
        assert_eq!(more, Err(UriError::TooLong));
        assert!(target.is_empty());
        assert!(target.join(&base, "x").is_ok(), "an overflow is over");
        let host = format!("//{}/{}", "h".repeat(250), "x".repeat(10));
        assert_eq!(target.join(&base, &host), Err(UriError::TooLong));
    }
}
