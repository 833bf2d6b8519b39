//! A virtual Ethernet link with virtual time, faults and packet capture.
