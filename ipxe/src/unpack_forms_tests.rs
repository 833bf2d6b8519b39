//! One file in several forms: packed, as it is, and verified by its source. An image goes on from any of them.

use crate::unpack_tests::{Board, NOW, packed};
use crate::{Deliver, SinkFailed, UnpackError, Wanted, sha256};
use netboot_core::Digest;
use netboot_verity::VerityError;
use proptest::prelude::*;

/// How a source has the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Plain,
    Packed,
    Verified,
}

const FORMS: [Form; 3] = [Form::Plain, Form::Packed, Form::Verified];

/// A file in all its forms.
struct File {
    data: Vec<u8>,
    packed: Vec<u8>,
    digest: Digest,
}

fn file(size: usize) -> File {
    let (data, packed, digest) = packed(size);
    File {
        data,
        packed,
        digest,
    }
}

/// Takes octets of a source as the fetching code does: from where the delivery stands if it proves what it takes, and otherwise from the start, whose
/// octets are compared. Ends after `most` of them. `true` at the end of the file.
fn take(board: &mut Board, file: &File, form: Form, most: usize) -> Result<bool, SinkFailed> {
    let octets = match form {
        Form::Packed => &file.packed,
        Form::Plain | Form::Verified => &file.data,
    };
    let mut to = board.unpacking();
    let is_other = to.size().is_some_and(|size| size != octets.len() as u64);
    if is_other && !to.withdraw(NOW) && !to.proves_itself() {
        return Err(SinkFailed);
    }
    match form {
        Form::Verified => to.begin_verified(NOW, file.data.len() as u64, &file.digest)?,
        _ => to.begin(NOW, octets.len() as u64)?,
    }
    let mut at = to.position() as usize;
    if !to.proves_itself() && at > 0 {
        assert_eq!(to.digest(), sha256(&octets[..at]), "{form:?}");
    }
    let end = octets.len().min(at.saturating_add(most));
    while at < end {
        let len = to.window(NOW)?.min(700).min(end - at);
        if len > 0 {
            to.write(NOW, &octets[at..at + len])?;
            at += len;
        }
        if (to.position() as usize) < at {
            // What was wrong comes again.
            return Ok(false);
        }
    }
    if at < octets.len() {
        return Ok(false);
    }
    while !to.flush(NOW)? {}
    to.end(NOW)?;
    Ok(true)
}

/// The file is known by both of its digests, so that it may come in any form.
fn any_form(file: &File) -> Board {
    Board::new(Wanted {
        verity: Some(file.digest),
        plain: true,
        ..Wanted::default()
    })
}

#[test]
fn an_image_goes_on_in_another_form() {
    for size in [9, 1024, 5_000, 70_000] {
        let file = file(size);
        for first in FORMS {
            for second in FORMS {
                for most in [0, 1, 700, 1500, 4_000, 60_000] {
                    let mut board = any_form(&file);
                    let ended = take(&mut board, &file, first, most).unwrap();
                    let got = board.octets().len();
                    assert!(
                        ended == (most >= size.max(1) && got == size),
                        "{most} {got}"
                    );
                    let result = take(&mut board, &file, second, usize::MAX);
                    let name = format!("{size}: {first:?} {most}, then {second:?}");
                    if first == Form::Plain && second == Form::Packed && got > 0 {
                        // A plain file has no digest by which the packed one could be known.
                        assert_eq!(result, Err(SinkFailed), "{name}");
                        continue;
                    }
                    assert_eq!(result, Ok(true), "{name}");
                    assert_eq!(board.octets(), file.data, "{name}");
                    let digest = match (second, got > 0, first) {
                        (Form::Plain, ..) | (_, true, Form::Plain) => None,
                        _ => Some(file.digest),
                    };
                    assert_eq!(board.unpacker.digest(), digest, "{name}");
                }
            }
        }
    }
}

#[test]
fn another_file_is_refused_in_each_form_and_nothing_is_lost() {
    let good = file(5_000);
    let others = [file(5_001), file(6_100), file(300)];
    for first in [Form::Packed, Form::Verified] {
        for other in &others {
            for form in FORMS {
                for is_known in [true, false] {
                    let mut board = Board::new(Wanted {
                        verity: is_known.then_some(good.digest),
                        plain: form == Form::Plain,
                        ..Wanted::default()
                    });
                    take(&mut board, &good, first, 3_500).unwrap();
                    let got = board.octets().len();
                    assert!(got > 0);
                    let name = format!("{first:?}, then {form:?} of {}", other.data.len());
                    assert_eq!(
                        take(&mut board, other, form, usize::MAX),
                        Err(SinkFailed),
                        "{name}"
                    );
                    let error = board.unpacker.take_error();
                    assert_eq!(
                        error,
                        Some(UnpackError::Verity(VerityError::WrongHead)),
                        "{name}"
                    );
                    assert_eq!(board.octets(), &good.data[..got], "{name}");
                    for form in [Form::Verified, Form::Packed] {
                        if take(&mut board, &good, form, 900).unwrap() {
                            break;
                        }
                    }
                    assert_eq!(take(&mut board, &good, first, usize::MAX), Ok(true));
                    assert_eq!(board.octets(), good.data, "{name}");
                }
            }
        }
    }
    // A file that is not packed, where the board wants a packed one.
    let mut board = Board::new(Wanted::default());
    take(&mut board, &good, Form::Verified, 2_500).unwrap();
    let result = take(&mut board, &good, Form::Plain, usize::MAX);
    assert_eq!(result, Err(SinkFailed));
    assert_eq!(
        board.unpacker.take_error(),
        Some(UnpackError::Verity(VerityError::NotPacked))
    );
    // A source that verifies another file than the board knows.
    let mut board = any_form(&good);
    for form in [Form::Verified, Form::Packed] {
        let result = take(&mut board, &others[0], form, usize::MAX);
        assert_eq!(result, Err(SinkFailed), "{form:?}");
        let error = board.unpacker.take_error();
        assert_eq!(error, Some(UnpackError::Verity(VerityError::WrongHead)));
        assert!(!board.delivery.has_begun());
    }
    let result = take(&mut board, &good, Form::Verified, usize::MAX);
    assert_eq!(result, Ok(true));
    // Before an octet was delivered, another digest takes the place of the first where nobody knows the right one.
    let mut board = Board::new(Wanted::default());
    take(&mut board, &others[0], Form::Verified, 0).unwrap();
    assert_eq!(
        take(&mut board, &good, Form::Verified, usize::MAX),
        Ok(true)
    );
    assert_eq!(board.unpacker.digest(), Some(good.digest));
    // The size that the image has to have counts here, too.
    let mut board = Board::new(Wanted {
        size: Some(1),
        ..Wanted::default()
    });
    assert_eq!(take(&mut board, &good, Form::Verified, 1), Err(SinkFailed));
    let found = 5_000;
    assert_eq!(
        board.unpacker.take_error(),
        Some(UnpackError::Size { found })
    );
}

proptest! {
    /// Sources that end early, in any form and order, and packed ones with a wrong octet.
    #[test]
    fn any_order_of_forms_brings_the_file(
        size in 1usize..40_000,
        sources in prop::collection::vec((0usize..2, 0usize..20_000, any::<Option<u16>>()), 0..8),
        windows in prop::collection::vec(0usize..600, 0..40),
    ) {
        let good = file(size);
        let mut board = any_form(&good);
        board.delivery.sink().windows = windows;
        for (form, most, wrong) in sources {
            let form = [Form::Packed, Form::Verified][form];
            let mut damaged = file(size);
            if let (Some(at), Form::Packed) = (wrong, form) {
                let at = usize::from(at) % damaged.packed.len();
                damaged.packed[at] ^= 0x20;
            }
            let ended = take(&mut board, &damaged, form, most);
            let got = board.octets();
            prop_assert!(good.data.starts_with(got), "{} octets", got.len());
            if ended == Ok(true) {
                prop_assert_eq!(got, &good.data[..]);
                return Ok(());
            }
        }
        prop_assert_eq!(take(&mut board, &good, Form::Verified, usize::MAX), Ok(true));
        prop_assert_eq!(board.octets(), &good.data[..]);
    }
}
