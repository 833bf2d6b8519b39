//! Interfaces, routes, names and echo requests.

use super::world::check;

#[test]
fn interfaces() {
    check(&[
        ("dhcp", "ifconf; ok"),
        ("dhcp net0 net1", "ifconf [net0] [net1]; ok"),
        (
            "ifconf -c dhcp -t 3000 net0",
            "ifconf [net0] by=Dhcp ms=3000; ok",
        ),
        ("ifconf --configurator ipv6", "ifconf by=Ipv6; ok"),
        ("ifconf -cipv6", "ifconf by=Ipv6; ok"),
        ("ifconf -c fcoe", "line 2: Usage"),
        (
            "ifopen\nifclose net0\nifstat net0 net1",
            "ifopen; ifclose [net0]; ifstat [net0] [net1]; ok",
        ),
        ("route", "route; ok"),
        ("route add", "line 2: Usage"),
        (
            "dhcp bad || dhcp net1 || echo no",
            "ifconf [bad]; ifconf [net1]; ok",
        ),
    ]);
}

#[test]
fn names_and_echo_requests() {
    check(&[
        (
            "nslookup a www.example\nshow a",
            "nslookup a www.example; show a:ipv4 = 192.0.2.1; ok",
        ),
        (
            "nslookup a host6\nshow a",
            "nslookup a host6; show a:ipv6 = fd00::1; ok",
        ),
        ("nslookup a bad || echo no", "nslookup a bad; echo [no]; ok"),
        ("nslookup a", "line 2: Usage"),
        ("nslookup a:foo host", "line 2: UnknownType"),
        (
            "ping -s 100 -c 3 -t 500 -q 10.0.2.2",
            "ping 10.0.2.2 size=100 count=3 ms=500 quiet; ok",
        ),
        (
            "ping --size 1 --count 2 --timeout 3 --quiet h",
            "ping h size=1 count=2 ms=3 quiet; ok",
        ),
        ("ping -qc3 h", "ping h count=3 quiet; ok"),
        ("ping --tim 5 h", "line 2: Usage"),
        ("ping", "line 2: Usage"),
        ("ping -c -1 h", "line 2: Usage"),
    ]);
}
