//! `menu`, `item` and `choose`.

use super::world::{check, effects};
use netboot_ipxe::script::{Command, Menus, Outcome, Script, Step, Variables};

#[test]
fn an_item_is_chosen() {
    check(&[
        (
            "menu My  title\nitem a A item\nitem --gap a gap\nitem --key b b Bee\nchoose --default b --timeout 500 x && echo ${x}",
            "choose [My title] (a|A item) (|a gap) (b|Bee key=98) default=2 ms=500; echo [b]; ok",
        ),
        (
            "menu\nitem a A\nitem --default b B\nchoose x\necho ${x}",
            "choose [] (a|A) (b|B) default=1; echo [b]; ok",
        ),
        (
            "menu\nitem\nitem a\nchoose x:string\necho ${x}",
            "choose [] (|) (a|) default=1; echo [a]; ok",
        ),
        (
            "menu\nitem a A\nitem b B\nchoose --default none x",
            "choose [] (a|A) (b|B) default=0; ok",
        ),
        (
            "menu bad\nitem a A\nchoose x || echo left",
            "choose [bad] (a|A) default=0; echo [left]; ok",
        ),
        (
            "menu\nitem 1 one\nchoose x:int32\nshow x",
            "choose [] (1|one) default=0; show x:int32 = 1; ok",
        ),
    ]);
}

#[test]
fn a_menu_goes_unless_it_is_kept() {
    check(&[
        (
            "menu\nitem a A\nchoose x\nchoose x || echo gone",
            "choose [] (a|A) default=0; echo [gone]; ok",
        ),
        (
            "menu bad\nitem a A\nchoose x ||\nchoose x || echo gone",
            "choose [bad] (a|A) default=0; echo [gone]; ok",
        ),
        (
            "menu\nitem a A\nchoose --keep x\nchoose x",
            "choose [] (a|A) default=0; choose [] (a|A) default=0; ok",
        ),
        (
            "menu A\nitem a A\nmenu B\nitem b B\nchoose x",
            "choose [B] (b|B) default=0; ok",
        ),
        (
            "menu\nmenu --delete\nitem a || echo gone",
            "echo [gone]; ok",
        ),
    ]);
}

#[test]
fn menus_have_names() {
    check(&[
        (
            "menu --name m M\nitem --menu m q Q\nmenu -n n N\nitem -m n r R\nitem -m m s S\nchoose -m m x\nchoose --menu n x",
            "choose [M] (q|Q) (s|S) default=0; choose [N] (r|R) default=0; ok",
        ),
        ("item a || choose x || echo none", "echo [none]; ok"),
        ("menu --name m\nitem a || echo other", "echo [other]; ok"),
        ("item --menu m a", "line 2: NoSuchMenu"),
        ("choose x", "line 2: NoSuchMenu"),
        ("menu\nitem --gap a\nchoose x", "line 4: EmptyMenu"),
        ("menu\nchoose x || choose x || echo gone", "echo [gone]; ok"),
        ("menu\nitem a\nchoose", "line 4: Usage"),
    ]);
}

#[test]
fn menus_have_limits() {
    let five: String = (0..5).map(|n| format!("menu --name {n}\n")).collect();
    assert_eq!(effects(&five), "line 6: MenuFull");
    // A menu that goes leaves its room to others.
    let many: String = (0..50)
        .map(|n| format!("menu {n}\nitem a {}\n", "x".repeat(900)))
        .collect();
    assert_eq!(
        super::world::run(
            format!("#!ipxe\n{many}").as_bytes(),
            &mut Variables::<8>::new()
        ),
        "ok"
    );
    let items = format!("menu\n{}", "item a A\n".repeat(65));
    assert_eq!(effects(&items), "line 67: MenuFull");
    let texts = format!(
        "menu\n{}",
        format!("item a {}\n", "x".repeat(1000)).repeat(3)
    );
    assert_eq!(effects(&texts), "line 5: MenuFull");
}

/// Which item it was is not a matter of trust: an item that is not there, or a gap, is a fault of whoever shows the menu.
#[test]
fn only_an_item_can_be_chosen() {
    for (place, right) in [
        (0, true),
        (1, false),
        (2, true),
        (3, false),
        (usize::MAX, false),
    ] {
        let mut settings = Variables::<64>::new();
        let mut menus = Menus::new();
        let text = b"#!ipxe\nmenu\nitem a A\nitem --gap\nitem b B\nchoose x || echo caught\n";
        let mut script = Script::new(text).unwrap();
        assert!(matches!(
            script.poll(&mut settings, &mut menus),
            Step::Run(Command::Choose { .. })
        ));
        script.answer(Outcome::Chosen(place), &mut settings, &mut menus);
        assert_eq!(
            script.poll(&mut settings, &mut menus) == Step::End(Ok(())),
            right,
            "{place}"
        );
    }
}
