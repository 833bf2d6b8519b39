//! Decides whether and where to follow a redirection, RFC 9110 section 15.4.

use heapless::Vec;
use netboot_core::Uri;
use netboot_core::uri::{LONG_TARGETS, Scheme, Target, UriError};

use crate::error::HttpError;

/// Greatest number of redirections that can be allowed in a row.
pub const MAX_REDIRECTS: usize = 16;

/// The redirections followed so far on the way to one image.
///
/// A redirection is followed only to `http` and `https`, and from `https` to `http` only if that is allowed. A 64-bit hash of each
/// visited place is kept, which is enough to end a loop early. The limit ends every other chain.
#[derive(Clone, Debug)]
pub struct Redirects {
    seen: Vec<u64, MAX_REDIRECTS>,
    hops: u8,
    limit: u8,
    allow_downgrade: bool,
}

impl Default for Redirects {
    /// Allows five redirections, and none from `https` to `http`.
    fn default() -> Self {
        Self::new(5)
    }
}

impl Redirects {
    /// Allows `limit` redirections in a row, at most [`MAX_REDIRECTS`]. With 0 none is followed.
    pub fn new(limit: u8) -> Self {
        Self {
            seen: Vec::new(),
            hops: 0,
            limit: limit.min(MAX_REDIRECTS as u8),
            allow_downgrade: false,
        }
    }

    /// Allows redirections from `https` to `http`. This is for image servers whose content is verified by
    /// digest anyway.
    #[must_use]
    pub fn allow_downgrade(mut self, allow: bool) -> Self {
        self.allow_downgrade = allow;
        self
    }

    /// Number of redirections that were followed.
    pub fn hops(&self) -> u8 {
        self.hops
    }

    /// Gives the URI to which a response with `status` and `location` to a request for `base` leads.
    ///
    /// The method does not change, because only GET and HEAD are redirected here, for which even 303 keeps it. The user
    /// information of `base` goes along to the same origin and nowhere else.
    ///
    /// # Errors
    /// Fails for a status that is no redirection, for a location that is missing, unusable, or against the policy
    /// above, for too many redirections, and for a loop.
    pub fn follow(&mut self, base: &Uri, status: u16, location: &str) -> Result<Uri, HttpError> {
        self.resolve(base, status, location, None)
    }

    /// Does what [`follow`](Self::follow) does, also for places that are too long for a [`Uri`]. `target` belongs to `base`: it is
    /// empty, or has the place's path and query in full. Afterwards it belongs to the URI that is returned, in the same way.
    ///
    /// # Errors
    /// Fails as [`follow`](Self::follow) does.
    pub fn follow_long(
        &mut self,
        base: &Uri,
        status: u16,
        location: &str,
        target: &mut Target,
    ) -> Result<Uri, HttpError> {
        self.resolve(base, status, location, Some(target))
    }

    #[inline(never)]
    fn resolve(
        &mut self,
        base: &Uri,
        status: u16,
        location: &str,
        mut long: Option<&mut Target>,
    ) -> Result<Uri, HttpError> {
        if !is_redirect(status) {
            return Err(HttpError::Status {
                status,
                retry_after: None,
            });
        }
        if location.is_empty() {
            return Err(HttpError::NoLocation);
        }
        if self.hops >= self.limit {
            return Err(HttpError::TooManyRedirects);
        }
        let from = hash(base, long.as_deref());
        let mut joined = match &long {
            Some(own) if !own.is_empty() => Err(UriError::TooLong),
            _ => base.join(location),
        };
        if let (Err(UriError::TooLong), Some(own)) = (&joined, &mut long)
            && LONG_TARGETS
        {
            joined = own.join(base, location);
        }
        let target = joined.map_err(|error| match error {
            UriError::UnsupportedScheme => HttpError::RedirectScheme,
            error => HttpError::BadLocation(error),
        })?;
        match (base.scheme(), target.scheme()) {
            (Scheme::Https, Scheme::Http) if !self.allow_downgrade => {
                return Err(HttpError::RedirectDowngrade);
            }
            (_, Scheme::Http | Scheme::Https) => {}
            _ => return Err(HttpError::RedirectScheme),
        }
        let target = if target.same_origin(base) {
            target
                .with_credentials_of(base)
                .map_err(HttpError::BadLocation)?
        } else if target.has_credentials() {
            return Err(HttpError::RedirectCredentials);
        } else {
            target
        };
        let to = hash(&target, long.as_deref());
        if from == to || self.seen.contains(&to) {
            return Err(HttpError::RedirectLoop);
        }
        // Each redirection adds one, and there are no more than the limit.
        let _ = self.seen.push(from);
        self.hops += 1;
        Ok(target)
    }
}

/// Whether a status sends a GET elsewhere. 300 and 304 do not.
pub(crate) fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// Computes FNV-1a with 64 bits. A collision made on purpose only ends the sender's own redirections.
fn hash(uri: &Uri, long: Option<&Target>) -> u64 {
    let long = long.map_or("", Target::as_str);
    uri.as_str()
        .bytes()
        .chain(long.bytes())
        .fold(0xCBF2_9CE4_8422_2325, |hash, octet| {
            (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01B3)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        Uri::parse(text).unwrap()
    }

    fn one(base: &str, location: &str) -> Result<String, HttpError> {
        let target = Redirects::default().follow(&uri(base), 302, location)?;
        Ok(target.as_str().to_string())
    }

    #[test]
    fn relative_and_absolute() {
        assert_eq!(one("http://h/a/b", "c"), Ok("http://h/a/c".into()));
        assert_eq!(one("http://h/a/b", "/c?d"), Ok("http://h/c?d".into()));
        assert_eq!(one("http://h/a", "//i/b"), Ok("http://i/b".into()));
        assert_eq!(one("http://h/a", "https://h/a"), Ok("https://h/a".into()));
        assert_eq!(
            one("https://h/a", "https://cdn:9/a#x"),
            Ok("https://cdn:9/a".into())
        );
    }

    #[test]
    fn policy() {
        assert_eq!(
            one("https://h/a", "http://h/a"),
            Err(HttpError::RedirectDowngrade)
        );
        assert_eq!(
            one("http://h/a", "tftp://h/a"),
            Err(HttpError::RedirectScheme)
        );
        assert_eq!(
            one("http://h/a", "file:///etc/passwd"),
            Err(HttpError::RedirectScheme)
        );
        assert_eq!(
            one("http://h/a", "http://u:p@i/a"),
            Err(HttpError::RedirectCredentials)
        );
        assert_eq!(one("http://h/a", ""), Err(HttpError::NoLocation));
        assert_eq!(
            one("http://h/a", "http:///a"),
            Err(HttpError::BadLocation(UriError::NoHost))
        );
        assert_eq!(
            one("http://h/a", "/\r\nX: y"),
            Err(HttpError::BadLocation(UriError::IllegalCharacter { at: 1 }))
        );
        let mut lenient = Redirects::default().allow_downgrade(true);
        assert!(
            lenient
                .follow(&uri("https://h/a"), 301, "http://h/a")
                .is_ok()
        );
        for status in [200, 300, 304, 305, 306, 404] {
            let refused = Redirects::default().follow(&uri("http://h/"), status, "/x");
            assert_eq!(
                refused,
                Err(HttpError::Status {
                    status,
                    retry_after: None
                })
            );
        }
        for status in [301, 302, 303, 307, 308] {
            assert!(
                Redirects::default()
                    .follow(&uri("http://h/"), status, "/x")
                    .is_ok()
            );
        }
    }

    #[test]
    fn credentials_stay_with_their_origin() {
        assert_eq!(one("http://u:p@h/a", "/b"), Ok("http://u:p@h/b".into()));
        assert_eq!(
            one("http://u:p@h/a", "http://h:80/b"),
            Ok("http://u:p@h:80/b".into())
        );
        // The server does not get to choose others.
        assert_eq!(
            one("http://u:p@h/a", "http://x:y@h/b"),
            Ok("http://u:p@h/b".into())
        );
        assert_eq!(
            one("http://u:p@h/a", "https://h/b"),
            Ok("https://h/b".into())
        );
        assert_eq!(one("http://u:p@h/a", "//i/b"), Ok("http://i/b".into()));
        assert_eq!(
            one("http://u:p@h/a", "http://h:81/b"),
            Ok("http://h:81/b".into())
        );
    }

    #[test]
    fn loops_and_limit() {
        let mut redirects = Redirects::default();
        let start = uri("http://h/0");
        assert_eq!(
            redirects.follow(&start, 301, "0"),
            Err(HttpError::RedirectLoop)
        );
        let mut at = start.clone();
        for hop in 1..=4 {
            at = redirects.follow(&at, 301, &hop.to_string()).unwrap();
        }
        for back in ["0", "1", "2", "3", "4", "../h/../2", "http://H/3#x"] {
            assert_eq!(
                redirects.follow(&at, 301, back),
                Err(HttpError::RedirectLoop),
                "{back}"
            );
        }
        at = redirects.follow(&at, 301, "5").unwrap();
        assert_eq!(redirects.hops(), 5);
        assert_eq!(
            redirects.follow(&at, 301, "6"),
            Err(HttpError::TooManyRedirects)
        );
        assert_eq!(
            Redirects::new(0).follow(&start, 301, "1"),
            Err(HttpError::TooManyRedirects)
        );
    }

    #[test]
    fn the_greatest_limit_still_finds_every_loop() {
        let mut redirects = Redirects::new(u8::MAX);
        let mut at = uri("http://h/0");
        for hop in 1..MAX_REDIRECTS {
            at = redirects.follow(&at, 307, &hop.to_string()).unwrap();
        }
        for back in 0..MAX_REDIRECTS {
            let looped = redirects.follow(&at, 307, &back.to_string());
            assert_eq!(looped, Err(HttpError::RedirectLoop));
        }
        assert!(redirects.follow(&at, 307, "last").is_ok());
        assert_eq!(
            redirects.follow(&at, 307, "more"),
            Err(HttpError::TooManyRedirects)
        );
    }
}
