//! The simulated image server: DHCP, TFTP and HTTP on a virtual link or a QEMU socket.
