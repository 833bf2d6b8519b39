//! `set`, `clear`, `inc`, `show`, `isset` and `iseq`.

use super::world::{check, effects, run};
use netboot_ipxe::script::Variables;

#[test]
fn set_and_clear() {
    check(&[
        ("set a x   y\necho [${a}]", "echo [[x y]]; ok"),
        ("set a ${no} y\necho [${a}]", "echo [[ y]]; ok"),
        ("set a 1\nset a\nshow a || echo unset", "echo [unset]; ok"),
        ("set a\nset a:int8", "ok"),
        ("set a 1\nclear a\necho [${a}]", "echo [[]]; ok"),
        ("clear never", "ok"),
        ("set a/b 1\nshow a/b", "show a/b:string = 1; ok"),
        ("set a -x y\necho [${a}]", "echo [[-x y]]; ok"),
        ("set -- a -x\necho [${a}]", "echo [[-x]]; ok"),
        ("set k:int8 5\nset k 6\nshow k", "show k:string = 6; ok"),
        // The type of a setting that is known need not be told.
        (
            "set net0/ip 192.0.2.7\nshow net0/ip\necho ${net0/ip:hexraw} ${ip}",
            "show net0/ip:ipv4 = 192.0.2.7; echo [c0000207 10.0.2.15]; ok",
        ),
        ("set ip somewhere || echo no", "echo [no]; ok"),
        ("set", "line 2: Usage"),
        ("clear", "line 2: Usage"),
        ("clear a b", "line 2: Usage"),
        ("set : x", "line 2: Usage"),
        ("set net0/ x", "line 2: Usage"),
    ]);
}

#[test]
fn inc() {
    check(&[
        (
            "inc i\nshow i\ninc i 5\nshow i",
            "show i:int32 = 1; show i:int32 = 6; ok",
        ),
        (
            "inc i:int8\nshow i\necho ${i:hex}",
            "show i:int8 = 1; echo [01]; ok",
        ),
        ("set i:int8 127\ninc i\nshow i", "show i:int8 = -128; ok"),
        ("set i:int32 5\ninc i -1\nshow i", "show i:int32 = 4; ok"),
        (
            "set i:uint8 5\ninc i 0x10\nshow i",
            "show i:uint8 = 0x15; ok",
        ),
        ("set i:int16 7\ninc i:int8\nshow i", "show i:int8 = 8; ok"),
        (
            "set s 5\ninc s || echo text\nshow s",
            "echo [text]; show s:string = 5; ok",
        ),
        ("inc i abc || echo no", "echo [no]; ok"),
        ("inc i 1 2", "line 2: Usage"),
        ("inc mac", "line 2: BadValue"),
        ("inc", "line 2: Usage"),
    ]);
}

#[test]
fn show() {
    check(&[
        (
            "show ip\nshow net0/mac:hexhyp",
            "show ip:ipv4 = 10.0.2.15; show net0/mac:hexhyp = 02-00-00-00-00-01; ok",
        ),
        ("show nothing", "line 2: NotSet"),
        ("show mac:ipv6", "line 2: NotSet"),
        ("show a b", "line 2: Usage"),
        ("show", "line 2: Usage"),
    ]);
}

#[test]
fn conditions() {
    check(&[
        ("isset ${ip} && echo set", "echo [set]; ok"),
        ("isset ${no}x && echo set", "echo [set]; ok"),
        ("isset ${no} || echo unset", "echo [unset]; ok"),
        ("isset || echo usage", "echo [usage]; ok"),
        ("isset a b || echo usage", "echo [usage]; ok"),
        ("iseq ${no} ${no} && echo equal", "echo [equal]; ok"),
        ("iseq a${no} a && echo equal", "echo [equal]; ok"),
        ("iseq a A || echo different", "echo [different]; ok"),
        (
            "iseq ${net0/mac} 02:00:00:00:00:01 && echo this one",
            "echo [this one]; ok",
        ),
        ("iseq -- -a -a && echo equal", "echo [equal]; ok"),
        ("iseq -a -a || echo usage", "echo [usage]; ok"),
        ("iseq a", "line 2: Usage"),
    ]);
}

#[test]
fn settings_have_limits() {
    let script = format!("#!ipxe\nset a {}\n", "x".repeat(255));
    assert_eq!(run(script.as_bytes(), &mut Variables::<259>::new()), "ok");
    let full = "line 2: SettingsFull";
    assert_eq!(run(script.as_bytes(), &mut Variables::<258>::new()), full);
    let script = format!("set a {} || echo long", "x".repeat(256));
    assert_eq!(effects(&script), "echo [long]\nok");
    let read_only = run(b"#!ipxe\nset a 1\n", &mut super::world::BuiltIn);
    assert_eq!(read_only, "line 2: ReadOnly");
    let read_only = run(b"#!ipxe\nclear a || echo no\n", &mut super::world::BuiltIn);
    assert_eq!(read_only, "echo [no]\nok");
}
