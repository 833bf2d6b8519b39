//! A switch and some boards, each in a network namespace of its own, with IPv6.
//!
//! Nothing here touches the network of the machine. Everything is taken down when the value is dropped.

use std::net::{Ipv6Addr, SocketAddrV6};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Why namespaces cannot be had here; `None` when they can.
pub fn obstacle() -> Option<String> {
    let id = Command::new("id").arg("-u").output();
    if !id.is_ok_and(|output| output.stdout == b"0\n") {
        return Some("network namespaces need root".into());
    }
    for (program, package) in [("ip", "iproute2"), ("nft", "nftables")] {
        if Command::new(program).arg("--version").output().is_err() {
            return Some(format!(
                "{program} is not installed: apt-get install {package}"
            ));
        }
    }
    if !Path::new("/proc/sys/net/ipv6").exists() {
        return Some("the kernel has no IPv6".into());
    }
    None
}

pub struct Network {
    switch: String,
    pub boards: Vec<String>,
}

fn ip(arguments: &str) {
    let output = Command::new("ip")
        .args(arguments.split_ascii_whitespace())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "ip {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Address of a board.
pub fn address(number: usize) -> SocketAddrV6 {
    let ip = Ipv6Addr::new(0xfd00, 0xb007, 0, 0, 0, 0, 0, number as u16 + 1);
    SocketAddrV6::new(ip, 12346, 0, 0)
}

impl Network {
    pub fn new(count: usize) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let run = format!(
            "bootstore-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let network = Self {
            switch: format!("{run}-switch"),
            boards: (0..count).map(|n| format!("{run}-{n}")).collect(),
        };
        let switch = &network.switch;
        ip(&format!("netns add {switch}"));
        ip(&format!(
            "-n {switch} link add br0 type bridge forward_delay 0 mcast_snooping 0"
        ));
        ip(&format!("-n {switch} link set br0 up"));
        for (number, name) in network.boards.iter().enumerate() {
            ip(&format!("netns add {name}"));
            ip(&format!(
                "-n {switch} link add port{number} type veth peer name eth0 netns {name}"
            ));
            ip(&format!("-n {switch} link set port{number} master br0 up"));
            ip(&format!("-n {name} link set lo up"));
            ip(&format!("-n {name} link set eth0 up"));
            ip(&format!(
                "-n {name} addr add {}/64 dev eth0 nodad",
                address(number).ip()
            ));
        }
        network
    }

    fn nft(&self, script: &str) {
        let output = Command::new("ip")
            .args(["netns", "exec", &self.switch, "nft", script])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "nft {script}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Cuts the network: boards below `first` and the others do not reach each other.
    pub fn partition(&self, first: usize) {
        let ports = |range: std::ops::Range<usize>| {
            let names: Vec<_> = range.map(|n| format!("\"port{n}\"")).collect();
            format!("{{ {} }}", names.join(", "))
        };
        let (a, b) = (ports(0..first), ports(first..self.boards.len()));
        self.nft("add table bridge cut");
        self.nft("add chain bridge cut forward { type filter hook forward priority 0 ; }");
        self.nft(&format!(
            "add rule bridge cut forward iifname {a} oifname {b} drop"
        ));
        self.nft(&format!(
            "add rule bridge cut forward iifname {b} oifname {a} drop"
        ));
    }

    pub fn heal(&self) {
        self.nft("delete table bridge cut");
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in self.boards.iter().chain([&self.switch]) {
            let _ = Command::new("ip").args(["netns", "delete", name]).status();
        }
    }
}
