//! Images: fetch, select, execute, verify, and disks in the network.

use super::world::{check, effects};

#[test]
fn images_are_fetched_and_executed() {
    check(&[
        ("imgfetch http://h/a", "fetch source=http://h/a; ok"),
        (
            "module --name a http://h/a x  y\ninitrd http://h/b",
            "fetch source=http://h/a name=a arguments=x y; fetch source=http://h/b; ok",
        ),
        (
            "imgfetch -n a -t 100 -a http://h/a",
            "fetch source=http://h/a name=a ms=100 autofree; ok",
        ),
        ("imgfetch --replace u", "line 2: Usage"),
        ("imgfetch", "line 2: Usage"),
        (
            "kernel a\nimgselect b\nimgload c",
            "select source=a; select source=b; select source=c; ok",
        ),
        ("boot\nimgexec a", "exec; exec source=a; ok"),
        (
            "boot --autofree --replace a x=1",
            "exec source=a autofree replace arguments=x=1; ok",
        ),
        (
            "chain --autofree --replace ${filename}",
            "chain source=http://10.0.2.2/boot me.ipxe autofree replace; ok",
        ),
        (
            "chain bad || chain -ar good",
            "chain source=bad; chain source=good autofree replace; ok",
        ),
        (
            "imgargs a x  y\nimgargs a",
            "imgargs a [x y]; imgargs a []; ok",
        ),
        (
            "imgstat\nimgfree\nimgfree a",
            "imgstat; imgfree; imgfree image=a; ok",
        ),
        ("imgfree a b", "line 2: Usage"),
    ]);
}

#[test]
fn trust() {
    let digest = "ab".repeat(32);
    check(&[
        ("imgtrust", "imgtrust; ok"),
        (
            "imgtrust --allow --permanent\nimgtrust -ap",
            "imgtrust allow permanent; imgtrust allow permanent; ok",
        ),
        ("imgtrust a", "line 2: Usage"),
        (
            "imgverify a http://h/a.sig",
            "imgverify a signature=http://h/a.sig; ok",
        ),
        (
            "imgverify --signer me --keep -t 9 a s",
            "imgverify a signature=s signer=me keep ms=9; ok",
        ),
        (
            &format!("imgverify --sha256 {digest} a"),
            "imgverify a sha256=ab..; ok",
        ),
        (&format!("imgverify --sha256 {digest} a s"), "line 2: Usage"),
        (
            &format!("imgverify --sha256 {digest} --signer me a"),
            "line 2: Usage",
        ),
        ("imgverify --sha256 abc a", "line 2: Usage"),
        ("imgverify a", "line 2: Usage"),
        ("imgverify a b c", "line 2: Usage"),
    ]);
    assert_eq!(effects("imgverify --sha256"), "line 2: Usage");
}

#[test]
fn disks() {
    check(&[
        ("sanboot http://h/d", "sanboot [http://h/d] describe; ok"),
        (
            "sanboot --drive 0x80 --no-describe --keep a b",
            "sanboot [a] [b] drive=128 keep; ok",
        ),
        (
            "sanboot -d 0 -n -k -f /efi -e x",
            "sanboot drive=0 keep filename=/efi extra=x; ok",
        ),
        ("sanboot --drive x a", "line 2: Usage"),
    ]);
}
