//! An address of one family or the other: both are looked for side by side.

use super::lease::State;
use super::station::{Internal, Station};
use super::step::Step;
use crate::board::Board;
use crate::error::NetError;
use netboot_core::Instant;
use netboot_core::net::NetworkConfig;
use netboot_ipxe::DhcpGoal;

/// How far a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// There may be an address soon.
    Pending,
    /// There is an address, and all that is wanted with it.
    Told,
    /// There is an address, and nothing that names boot files.
    Bare,
    /// There will be none.
    Failed,
}

impl Family {
    #[inline(never)]
    fn of(config: Option<&NetworkConfig>, complete: bool, failed: bool, goal: DhcpGoal) -> Self {
        match config {
            _ if failed => Family::Failed,
            Some(config) if complete => match goal == DhcpGoal::Address || config.boot.is_known() {
                true => Family::Told,
                false => Family::Bare,
            },
            _ => Family::Pending,
        }
    }

    /// Whether the station can go on by this family alone.
    fn has_address(self) -> bool {
        matches!(self, Family::Told | Family::Bare)
    }
}

/// What to do when the first and the second family are so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Go on with what there is.
    Done,
    /// Wait, but no longer than the head start of the first family.
    Hurry,
    /// Wait.
    Wait,
    /// There will be nothing.
    Failed,
}

fn judge(first: Family, second: Family) -> Verdict {
    match (first, second) {
        (Family::Told, _) => Verdict::Done,
        (Family::Failed, Family::Failed) => Verdict::Failed,
        (Family::Pending, second) if second.has_address() => Verdict::Hurry,
        (Family::Bare, Family::Pending) => Verdict::Hurry,
        (Family::Pending, _) | (_, Family::Pending) => Verdict::Wait,
        _ => Verdict::Done,
    }
}

impl<B: Board> Station<'_, B> {
    /// Looks for an address of each family that the station speaks. Ends when the family that comes first has told everything, or when the other one has
    /// and the head start of the first is over. What has not come by then goes on beside whatever follows.
    ///
    /// # Errors
    /// When no family has an address in time.
    #[inline(never)]
    pub(crate) fn acquire(&mut self, goal: DhcpGoal) -> Internal {
        let families = self.options.families;
        if families.has_ipv4() {
            self.end_ipv6();
            self.start_lease(goal);
        } else {
            self.end_lease();
            self.deconfigure();
        }
        if families.has_ipv6() {
            #[cfg(feature = "bootstore")]
            {
                self.ipv6.hand = None;
            }
            self.start_ipv6(goal);
        }
        let late = match families.has_ipv4() {
            true => NetError::DhcpTimeout,
            false => NetError::NoRouter,
        };
        let limit = self.now() + self.options.dhcp.timeout;
        let mut hurry: Option<Instant> = None;
        let result = self.run(limit, late, |station, now| {
            let (ipv4, ipv6) = (station.ipv4(goal), station.ipv6(goal));
            let (first, second) = match families.prefers_ipv6() {
                true => (ipv6, ipv4),
                false => (ipv4, ipv6),
            };
            match judge(first, second) {
                Verdict::Done => Ok(Step::Done(())),
                Verdict::Wait => Ok(Step::WAIT),
                Verdict::Hurry => {
                    let until = *hurry.get_or_insert(now + families.head_start());
                    Ok(Step::until(now, until))
                }
                Verdict::Failed => {
                    let error = match station.lease.state {
                        State::Failed(error) => error.into(),
                        _ => NetError::NoRouter,
                    };
                    Err(station.fail(error))
                }
            }
        });
        // One family is better than none, and an address better than what may come with it.
        match result {
            Err(_) if self.config().is_some() && self.now() < self.deadline => Ok(()),
            Err(_) if matches!(self.error(), Some(NetError::NoRouter)) => {
                let told = self
                    .ipv6
                    .error()
                    .map_or(NetError::NoRouter, NetError::Dhcp6);
                Err(self.fail(told))
            }
            result => result,
        }
    }

    fn ipv4(&self, goal: DhcpGoal) -> Family {
        let off = !self.options.families.has_ipv4();
        let failed = off || matches!(self.lease.state, State::Failed(_) | State::Off);
        Family::of(self.lease.config(), self.lease.is_complete(), failed, goal)
    }

    fn ipv6(&self, goal: DhcpGoal) -> Family {
        let failed = !self.options.families.has_ipv6() || self.ipv6.has_failed();
        Family::of(self.ipv6.config(), self.ipv6.is_complete(), failed, goal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_waited_for() {
        use Family::{Bare, Failed, Pending, Told};
        for (first, second, verdict) in [
            (Told, Pending, Verdict::Done),
            (Told, Failed, Verdict::Done),
            (Bare, Told, Verdict::Done),
            (Bare, Bare, Verdict::Done),
            (Bare, Failed, Verdict::Done),
            (Bare, Pending, Verdict::Hurry),
            (Pending, Told, Verdict::Hurry),
            (Pending, Bare, Verdict::Hurry),
            (Pending, Pending, Verdict::Wait),
            (Pending, Failed, Verdict::Wait),
            (Failed, Pending, Verdict::Wait),
            (Failed, Told, Verdict::Done),
            (Failed, Bare, Verdict::Done),
            (Failed, Failed, Verdict::Failed),
        ] {
            assert_eq!(judge(first, second), verdict, "{first:?}, {second:?}");
        }
    }
}
