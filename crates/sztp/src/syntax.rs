//! The syntax of JSON (RFC 8259), by a loop that remembers the open containers in the bits of one word.

/// Number of objects and arrays within each other that a document may have. Those of RFC 8572 have six.
pub const MAX_DEPTH: u8 = 16;

/// A place in a text, and what is right to come there.
pub(crate) struct Cursor<'a> {
    len: usize,
    /// What was not taken yet.
    pub rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Self {
        Self {
            len: text.len(),
            rest: text.as_bytes(),
        }
    }

    /// Number of octets that were taken.
    pub fn at(&self) -> usize {
        self.len.saturating_sub(self.rest.len())
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub fn eat(&mut self, octet: u8) -> bool {
        let there = self.rest.first() == Some(&octet);
        if there {
            self.next();
        }
        there
    }

    pub fn blanks(&mut self) {
        while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Takes one value, whatever is in it. Each turn takes an octet at least.
    #[inline(never)]
    pub fn value(&mut self) -> Option<()> {
        let mut levels = Levels::default();
        loop {
            self.blanks();
            match self.next()? {
                b'"' => self.string()?,
                b'{' => {
                    levels.open(true)?;
                    self.blanks();
                    if !self.eat(b'}') {
                        self.name()?;
                        continue;
                    }
                    levels.close();
                }
                b'[' => {
                    levels.open(false)?;
                    self.blanks();
                    if !self.eat(b']') {
                        continue;
                    }
                    levels.close();
                }
                first => self.word(first)?,
            }
            // A value has ended, and with it the containers that end here.
            loop {
                let Some(in_object) = levels.top() else {
                    return Some(());
                };
                self.blanks();
                match self.next()? {
                    b',' => {
                        if in_object {
                            self.name()?;
                        }
                        break;
                    }
                    b'}' if in_object => levels.close(),
                    b']' if !in_object => levels.close(),
                    _ => return None,
                }
            }
        }
    }

    /// Takes the name of a member and the colon behind it.
    fn name(&mut self) -> Option<()> {
        self.blanks();
        if !self.eat(b'"') {
            return None;
        }
        self.string()?;
        self.blanks();
        self.eat(b':').then_some(())
    }

    /// Takes a string, whose first quotation mark was taken.
    fn string(&mut self) -> Option<()> {
        loop {
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..=0x1F => return None,
                _ => {}
            }
        }
    }

    /// Takes what follows a backslash.
    fn escape(&mut self) -> Option<()> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => match self.unit()? & 0xFC00 {
                0xD800 => {
                    let pair = self.eat(b'\\') && self.eat(b'u');
                    (pair && self.unit()? & 0xFC00 == 0xDC00).then_some(())
                }
                // The second half of a pair stands alone.
                0xDC00 => None,
                _ => Some(()),
            },
            _ => None,
        }
    }

    /// Takes four hexadecimal digits.
    fn unit(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit << 4 | char::from(self.next()?).to_digit(16)?;
        }
        Some(unit)
    }

    /// Takes a number, or one of the three words, which begins with `first`.
    fn word(&mut self, first: u8) -> Option<()> {
        let rest: &[u8] = match first {
            b't' => b"rue",
            b'f' => b"alse",
            b'n' => b"ull",
            _ => return self.number(first),
        };
        for octet in rest {
            if !self.eat(*octet) {
                return None;
            }
        }
        Some(())
    }

    /// Takes a number that begins with `first`.
    fn number(&mut self, first: u8) -> Option<()> {
        let first = match first {
            b'-' => self.next()?,
            digit => digit,
        };
        match first {
            b'0' => {}
            b'1'..=b'9' => {
                self.digits();
            }
            _ => return None,
        }
        if self.eat(b'.') && !self.digits() {
            return None;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            if !self.digits() {
                return None;
            }
        }
        Some(())
    }

    /// Takes digits; whether there was one.
    fn digits(&mut self) -> bool {
        let before = self.rest.len();
        while let [b'0'..=b'9', rest @ ..] = self.rest {
            self.rest = rest;
        }
        before != self.rest.len()
    }
}

/// The containers that are open, a bit for each: set for an object. The innermost is the lowest bit.
#[derive(Clone, Copy, Debug, Default)]
struct Levels {
    objects: u32,
    depth: u8,
}

impl Levels {
    fn open(&mut self, object: bool) -> Option<()> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u32::from(object);
        Some(())
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
    }

    /// Whether the innermost container is an object; `None` without one.
    fn top(&self) -> Option<bool> {
        (self.depth != 0).then_some(self.objects & 1 != 0)
    }
}
