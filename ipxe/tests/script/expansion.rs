//! `${name}` and `${name:type}` in words.

use super::world::check;

#[test]
fn settings_are_expanded_in_words() {
    check(&[
        (
            "set a one\necho [${a}] [x${a}y]",
            "echo [[one] [xoney]]; ok",
        ),
        ("echo [${unset}] [${}]", "echo [[] []]; ok"),
        ("echo a ${} c", "echo [a  c]; ok"),
        ("set name echo\n${name} hello", "echo [hello]; ok"),
        (
            "set two a b\necho ${two} && iseq ${two} x || echo ne",
            "echo [a b]; echo [ne]; ok",
        ),
        (
            "echo ${net0/mac} ${ip} ${net0/ip:hex}",
            "echo [02:00:00:00:00:01 10.0.2.15 0a:00:02:0f]; ok",
        ),
        (
            "echo ${175.3} ${net0/175.3:uint16}",
            "echo [01:02 0x102]; ok",
        ),
        (
            "chain http://h/${filename:uristring}",
            "chain source=http://h/http%3A%2F%2F10.0.2.2%2Fboot%20me.ipxe; ok",
        ),
    ]);
}

#[test]
fn the_innermost_is_first() {
    check(&[
        (
            "set a b\nset b deep\necho [${${a}}] [${${u}b}]",
            "echo [[deep] [deep]]; ok",
        ),
        (
            "set idx:int32 0\nset net0 x\necho ${net${idx}} ${net${idx}/ip}",
            "echo [x 10.0.2.15]; ok",
        ),
        ("set t hex\nset v AB\necho ${v:${t}}", "echo [41:42]; ok"),
        (
            "set a b\nset b c\nset c end\necho ${${${a}}}",
            "echo [end]; ok",
        ),
    ]);
}

#[test]
fn what_was_put_in_is_expanded_again() {
    check(&[
        (
            "set d:hex 24\nset rest {x}\nset x deep\necho [${d:string}${rest}]",
            "echo [[deep]]; ok",
        ),
        (
            "set v:hex 24:7b:78:7d\nset x deep\necho [${v:string}]",
            "echo [[deep]]; ok",
        ),
    ]);
}

#[test]
fn what_is_no_expansion_stays() {
    check(&[
        ("echo unterminated ${abc", "echo [unterminated ${abc]; ok"),
        (
            "echo closed } ${a} } $ {x} ${${}}",
            "echo [closed }  } $ {x} ]; ok",
        ),
        ("echo $ $$ {} $x", "echo [$ $$ {} $x]; ok"),
        // A blank ends a word, and so an expansion.
        ("echo ${a b}", "echo [${a b}]; ok"),
    ]);
}

#[test]
fn what_cannot_be_shown_is_empty() {
    check(&[
        ("set s x\necho [${s:foo}] [${s:}]", "echo [[] []]; ok"),
        (
            "set w:hex 01:02\necho [${w:ipv4}] [${w:ipv6}] [${w:guid}] [${w:uuid}]",
            "echo [[] [] [] []]; ok",
        ),
        (
            "set z:hex 01:02:03:04:05\necho [${z:int32}] [${z:uint32}] [${z:ipv4}]",
            "echo [[] [] [1.2.3.4]]; ok",
        ),
    ]);
}

#[test]
fn what_is_not_text_is_no_part_of_a_command() {
    check(&[
        ("echo ${binary:hex}", "echo [61:ff]; ok"),
        ("echo ${binary} || echo no", "line 2: ValueNotText"),
        ("show binary || echo no", "line 2: ValueNotText"),
    ]);
}
