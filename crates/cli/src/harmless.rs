//! Text from elsewhere, which is shown on the operator's terminal.

/// The character itself if it is a letter, a digit or one of ASCII that can be seen, and otherwise `?`. What remains cannot combine with other
/// characters, turn the direction of the text, or be invisible.
pub fn character(character: char) -> char {
    match character {
        ' '..='~' => character,
        _ if character.is_alphanumeric() => character,
        _ => '?',
    }
}

/// A text of which [`character`] has judged each character.
pub fn text(text: &str) -> String {
    text.chars().map(character).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_terminal_would_act_on_is_gone() {
        assert_eq!(super::text("a\x1b[0m\u{9b}\u{202e} ü7~"), "a?[0m?? ü7~");
    }
}
