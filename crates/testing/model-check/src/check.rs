//! Runs the checker on one conversation.

use stateright::{Checker, Model};
use std::fmt::Debug;
use std::hash::Hash;

/// Checks every order of a conversation, which has this number of states at the least.
///
/// # Panics
/// Panics when a property does not hold, and when the conversation has fewer states: a model that stops early proves nothing.
pub fn check<M>(model: M, least: usize)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + Send + Sync + 'static,
{
    let checker = model.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    let states = checker.unique_state_count();
    println!("{states} states");
    assert!(states > least, "{states}");
}
