//! Setting types: what is stored, and how it is shown.

use super::world::check;

#[test]
fn a_value_is_shown_by_its_type_or_another_one() {
    check(&[
        (
            "set s 5\nshow s\necho [${s:hex}] [${s:int32}] [${s:uint8}]",
            "show s:string = 5; echo [[35] [53] [0x35]]; ok",
        ),
        (
            "set h:hex 0a:0b\nshow h\necho [${h:hexraw}] [${h:hexhyp}] [${h:uint16}] [${h:base64}] [${h:int8}]",
            "show h:hex = 0a:0b; echo [[0a0b] [0a-0b] [0xa0b] [Cgs=] [2571]]; ok",
        ),
        (
            "set i:int8 -1\nshow i\necho [${i:uint8}] [${i:uint32}] [${i:hex}]",
            "show i:int8 = -1; echo [[0xff] [0xff] [ff]]; ok",
        ),
        (
            "set i:uint16 0x1ff\nshow i\nshow i:hex",
            "show i:uint16 = 0x1ff; show i:hex = 01:ff; ok",
        ),
        (
            "set a:ipv4 10.0.0.1\nshow a\necho [${a:hex}] [${a:int32}] [${a:uint32}]",
            "show a:ipv4 = 10.0.0.1; echo [[0a:00:00:01] [167772161] [0xa000001]]; ok",
        ),
        (
            "set a:ipv6 fe80::1\nshow a\necho ${a:hexraw}",
            "show a:ipv6 = fe80::1; echo [fe800000000000000000000000000001]; ok",
        ),
        ("set h:hexhyp 0a-0b\nshow h", "show h:hexhyp = 0a-0b; ok"),
        ("set h:hexraw 0A0b\nshow h", "show h:hexraw = 0a0b; ok"),
        (
            "set b:base64 aGVsbG8=\nshow b\necho ${b:string}",
            "show b:base64 = aGVsbG8=; echo [hello]; ok",
        ),
        (
            "set r:uristring a%20b\nshow r\necho [${r:string}]",
            "show r:uristring = a%20b; echo [[a b]]; ok",
        ),
        (
            "set p !\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~\necho ${p:uristring}",
            "echo [!\"$%25%26'()*+,-.%2F%3A;<%3D>%3F%40[\\]^_`{|}~]; ok",
        ),
        ("set h a#b\necho ${h:uristring}", "echo [a%23b]; ok"),
        (
            "set u:uuid 00112233-4455-6677-8899-AABBCCDDEEFF\nshow u\necho ${u:guid}",
            "show u:uuid = 00112233-4455-6677-8899-aabbccddeeff; echo [33221100-5544-7766-8899-aabbccddeeff]; ok",
        ),
        (
            "set g:guid 00112233-4455-6677-8899-aabbccddeeff\nshow g\necho ${g:hexraw}",
            "show g:guid = 00112233-4455-6677-8899-aabbccddeeff; echo [33221100554477668899aabbccddeeff]; ok",
        ),
        (
            "echo ${uuid} ${uuid:hexhyp}",
            "echo [00112233-4455-6677-8899-aabbccddeeff 00-11-22-33-44-55-66-77-88-99-aa-bb-cc-dd-ee-ff]; ok",
        ),
    ]);
}

#[test]
fn numbers_are_cut_to_their_width() {
    check(&[
        ("set i:int8 300\nshow i", "show i:int8 = 44; ok"),
        ("set i:int32 4294967295\nshow i", "show i:int32 = -1; ok"),
        ("set i:uint32 -1\nshow i", "show i:uint32 = 0xffffffff; ok"),
        ("set i:int32 -0x10\nshow i", "show i:int32 = -16; ok"),
        ("set i:int32 010\nshow i", "show i:int32 = 8; ok"),
        ("set i:uint8 0\nshow i", "show i:uint8 = 0x0; ok"),
        (
            "set i:int32 0x80000000\nshow i",
            "show i:int32 = -2147483648; ok",
        ),
        ("set i:int16 7\necho ${i:hex}", "echo [00:07]; ok"),
    ]);
}

#[test]
fn a_value_that_is_none_of_its_type_is_refused() {
    for (of_type, text) in [
        ("ipv4", "10.0.0"),
        ("ipv4", "10.0.0.256"),
        ("ipv6", "fe80"),
        ("int8", "abc"),
        ("int32", "12abc"),
        ("int32", "99999999999"),
        ("uint16", "08"),
        ("hex", "0a-0b"),
        ("hex", "0a0b"),
        ("hex", "a:b"),
        ("hex", "0a:"),
        ("hex", "zz"),
        ("hexhyp", "0a:0b"),
        ("hexraw", "0a0"),
        ("base64", "!!"),
        ("base64", "aGVsbG8"),
        ("base64", "aGVsbG8=x"),
        ("uuid", "00112233-4455-6677-8899-aabbccddeef"),
        ("uuid", "00112233-4455-6677-8899-aabbccddeeff0"),
        ("guid", "00112233445566778899aabbccddeeff"),
    ] {
        let script = format!("set x:{of_type} {text} || echo refused\nset x:{of_type} {text}");
        check(&[(&script, "echo [refused]; line 3: BadValue")]);
    }
    check(&[
        ("set x:foo 1", "line 2: UnknownType"),
        ("show x:foo", "line 2: UnknownType"),
    ]);
}
