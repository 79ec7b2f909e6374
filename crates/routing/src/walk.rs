//! The leaves that a call asks, one by one, as their answers come.

use std::sync::Arc;

use crate::condition::Facts;
use crate::config::{Config, Kind, Leaf, Node, Sticky, Strategy};

/// There is nowhere to go: the caller's mistake, or the config's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    #[error("{path}.strategy: no condition holds for this call, and there is no default")]
    NoCondition { path: String },
    #[error("{path}.targets: the weights of all targets are 0")]
    NoWeight { path: String },
}

/// A walk through a config, for one call.
#[derive(Debug)]
pub struct Walk<'a> {
    facts: Facts<'a>,
    /// The fallbacks around the leaf that was asked, the innermost last.
    fallbacks: Vec<Fallback<'a>>,
    next: Option<&'a Node>,
}

#[derive(Debug)]
struct Fallback<'a> {
    on: Option<&'a [u16]>,
    /// Targets that were not tried.
    rest: std::slice::Iter<'a, Node>,
}

impl Config {
    /// Begins a walk.
    #[must_use]
    pub fn walk<'a>(&'a self, facts: Facts<'a>) -> Walk<'a> {
        Walk { facts, fallbacks: Vec::new(), next: Some(&self.root) }
    }
}

impl<'a> Walk<'a> {
    /// The leaf to ask now; none: the last answer is the call's. `draw` gives a number from 0 to below 1.
    ///
    /// # Errors
    /// [`NoRoute`].
    pub fn next(&mut self, draw: &mut dyn FnMut() -> f64) -> Result<Option<&'a Arc<Leaf>>, NoRoute> {
        let Some(mut node) = self.next.take() else { return Ok(None) };
        loop {
            let (strategy, targets) = match &node.kind {
                Kind::Leaf(leaf) => return Ok(Some(leaf)),
                Kind::Group(strategy, targets) => (strategy, targets),
            };
            let found = match strategy {
                Strategy::Single => targets.first(),
                Strategy::Fallback { on } => {
                    let mut rest = targets.iter();
                    let first = rest.next();
                    self.fallbacks.push(Fallback { on: on.as_deref(), rest });
                    first
                }
                Strategy::LoadBalance { sticky } => {
                    let at = self.point(sticky.as_ref(), &node.path).unwrap_or_else(&mut *draw);
                    Some(weighed(targets, at).ok_or_else(|| NoRoute::NoWeight { path: node.path.clone() })?)
                }
                Strategy::Conditional { conditions, default } => {
                    let holds = conditions.iter().find(|condition| condition.holds(&self.facts));
                    let at = holds.map(|condition| condition.then).or(*default);
                    let nowhere = || NoRoute::NoCondition { path: node.path.clone() };
                    Some(at.and_then(|at| targets.get(at)).ok_or_else(nowhere)?)
                }
            };
            // A group has a target: parsing sees to that.
            let Some(found) = found else { return Ok(None) };
            node = found;
        }
    }

    /// The leaf that was given last answered with `status`, as its client would be told; `last`: nothing else may be asked.
    pub fn answered(&mut self, status: u16, last: bool) {
        if last {
            self.fallbacks.clear();
        }
        while let Some(fallback) = self.fallbacks.last_mut() {
            if fallback.goes_on(status)
                && let Some(next) = fallback.rest.next()
            {
                self.next = Some(next);
                return;
            }
            // What is left of this one is the group's answer, which the one around it judges by its own rule.
            self.fallbacks.pop();
        }
    }

    fn point(&self, sticky: Option<&Sticky>, path: &str) -> Option<f64> {
        sticky.and_then(|sticky| sticky.point(&self.facts, path))
    }
}

impl Fallback<'_> {
    fn goes_on(&self, status: u16) -> bool {
        match self.on {
            Some(on) => on.contains(&status),
            None => !(200..300).contains(&status),
        }
    }
}

/// The target at `at` of the whole weight, from 0 to below 1; none where there is no weight.
fn weighed(targets: &[Node], at: f64) -> Option<&Node> {
    let whole: f64 = targets.iter().map(|target| target.weight).sum();
    let mut left = at * whole;
    let mut last = None;
    for target in targets.iter().filter(|target| target.weight > 0.0) {
        if left < target.weight {
            return Some(target);
        }
        left -= target.weight;
        // Sums of fractions may come out a hair short.
        last = Some(target);
    }
    last
}
