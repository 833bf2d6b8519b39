//! Properties of lines, operators and expansions, against models that are short.

use super::world::{effects, run};
use netboot_ipxe::script::Variables;
use proptest::prelude::*;

/// What stands between two words.
fn blanks() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            Just(" "),
            Just("\t"),
            Just(" \\\n"),
            Just("\r "),
            Just(" \\\r\n ")
        ],
        1..3,
    )
    .prop_map(|blanks| blanks.concat())
}

/// An operator, and whether the command behind it runs.
fn operators() -> impl Strategy<Value = (&'static str, bool)> {
    (prop::sample::select(vec!["||", "&&", ";"]), any::<bool>())
}

/// The model of an expansion: each `${name}` of the text, the innermost first, until there is none.
fn expanded(text: &str, value: impl Fn(&str) -> String) -> String {
    let mut text = text.to_string();
    while let Some((close, open)) = text
        .match_indices('}')
        .find_map(|(close, _)| text[..close].rfind("${").map(|open| (close, open)))
    {
        let name = text[open + 2..close].to_string();
        text.replace_range(open..=close, &value(&name));
    }
    text
}

proptest! {
    /// Words are the same whatever blanks and continued lines stand between them.
    #[test]
    fn words_do_not_depend_on_their_blanks(words in prop::collection::vec(("[a-z\"'.,:/=\u{e9}-]{1,12}", blanks()), 0..20)) {
        let mut script = String::from("echo --");
        let mut expected = Vec::new();
        for (word, blanks) in &words {
            script.push_str(blanks);
            script.push_str(word);
            expected.push(word.as_str());
        }
        let expected = format!("echo [{}]\nok", expected.join(" "));
        prop_assert_eq!(effects(&script), expected);
    }

    /// Each command of a line runs as the status of the last one that ran says.
    #[test]
    fn operators_follow_the_last_status(first: bool, rest in prop::collection::vec(operators(), 0..12)) {
        let command = |success: bool| if success { "iseq a a" } else { "iseq a b" };
        // A counter tells how many commands ran.
        let mut script = format!("inc n && {}", command(first));
        let (mut ran, mut status) = (1, first);
        for (operator, success) in rest {
            script.push_str(&format!(" {operator} inc n && {}", command(success)));
            let runs = match operator {
                "||" => !status,
                "&&" => status,
                _ => true,
            };
            ran += u32::from(runs);
            // `&&` behind a command that was skipped looks at the status before.
            status = match runs || status {
                true => success,
                false => false,
            };
        }
        script.push_str(" ; echo ${n}");
        prop_assert_eq!(effects(&script), format!("echo [{ran}]\nok"));
    }

    /// Any text of the signs that matter expands as the model says, or is refused.
    #[test]
    fn expansions_are_those_of_the_model(
        text in prop::collection::vec(prop::sample::select(vec!["$", "{", "}", "${", "a", "b", "c", "${a}", "${b}"]), 1..20),
        values in prop::collection::vec("[abc]{0,3}", 3),
    ) {
        let text = text.concat();
        let mut script = String::from("#!ipxe\n");
        for (name, value) in ["a", "b", "c"].iter().zip(&values) {
            script.push_str(&format!("set {name} {value}\n"));
        }
        script.push_str(&format!("echo [{text}]"));
        let value = |name: &str| match name {
            "a" => values[0].clone(),
            "b" => values[1].clone(),
            "c" => values[2].clone(),
            _ => String::new(),
        };
        let expected = format!("echo [{}]\nok", expanded(&format!("[{text}]"), value));
        prop_assert_eq!(run(script.as_bytes(), &mut Variables::<128>::new()), expected);
    }

    /// Scripts made of what scripts are made of end.
    #[test]
    fn any_script_ends(pieces in prop::collection::vec(prop::sample::select(vec![
        "\n", "\n", " ", " || ", " && ", " ; ", "#", "\\\n", ":a", ":b", "goto ", "a", "b", "${", "}", "set ", "inc ", "iseq ",
        "isset ", "menu ", "item ", "choose ", "time ", "echo ", "read ", "show ", "exit ", "--name ", "-n ", ":int8 ", "=", "1",
    ]), 0..60)) {
        let end = effects(&pieces.concat());
        let end = end.lines().last().unwrap().to_string();
        prop_assert!(end == "ok" || end.starts_with("line "), "{}", end);
    }
}
