//! Logs of a trace as a tree: each below the log whose span it names as its parent.

use std::collections::HashMap;

/// What a log says of its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span<'a> {
    pub id: Option<&'a str>,
    pub parent: Option<&'a str>,
}

/// A log's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which of the logs that were given.
    pub log: usize,
    /// Above it; none: it is a root.
    pub parent: Option<usize>,
    /// 0: it is a root.
    pub depth: usize,
}

/// Every log once, each right after the one above it and what is below its elder siblings. A root is a log without a parent, with one
/// that none of the others is, or with itself. Of several logs with one span id the first has the children; of logs that are each
/// other's parents the first is a root.
#[must_use]
pub fn tree(spans: &[Span<'_>]) -> Vec<Place> {
    let mut parents = parents(spans);
    break_cycles(&mut parents);
    let mut children = vec![Vec::new(); spans.len()];
    let mut open: Vec<Place> = Vec::new();
    for (log, parent) in parents.iter().enumerate().rev() {
        match parent {
            Some(parent) => children[*parent].push(log),
            None => open.push(Place { log, parent: None, depth: 0 }),
        }
    }
    let mut places = Vec::with_capacity(spans.len());
    while let Some(place) = open.pop() {
        let below = |log: &usize| Place { log: *log, parent: Some(place.log), depth: place.depth + 1 };
        open.extend(children[place.log].iter().map(below));
        places.push(place);
    }
    places
}

fn parents(spans: &[Span<'_>]) -> Vec<Option<usize>> {
    let mut first = HashMap::new();
    for (log, span) in spans.iter().enumerate() {
        if let Some(id) = span.id {
            first.entry(id).or_insert(log);
        }
    }
    let parent = |(log, span): (usize, &Span<'_>)| {
        let is_itself = span.parent == span.id;
        first.get(span.parent?).copied().filter(|parent| *parent != log && !is_itself)
    };
    spans.iter().enumerate().map(parent).collect()
}

/// Makes a root of the first log of each cycle.
fn break_cycles(parents: &mut [Option<usize>]) {
    /// From which log it was come by, if it was.
    const NEVER: usize = usize::MAX;
    let mut seen_from = vec![NEVER; parents.len()];
    for start in 0..parents.len() {
        let mut log = start;
        while seen_from[log] == NEVER {
            seen_from[log] = start;
            let Some(parent) = parents[log] else { break };
            // Every log of a cycle leads to its first one, and none of them was come by before that.
            if seen_from[parent] == start {
                let first = first_of_cycle(parents, parent);
                parents[first] = None;
                break;
            }
            log = parent;
        }
    }
}

fn first_of_cycle(parents: &[Option<usize>], member: usize) -> usize {
    let round = std::iter::successors(parents[member], |log| parents[*log].filter(|_| *log != member));
    round.min().unwrap_or(member)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(id: &'static str, parent: &'static str) -> Span<'static> {
        let some = |text: &'static str| (!text.is_empty()).then_some(text);
        Span { id: some(id), parent: some(parent) }
    }

    /// The tree in words: each log by its number, `.` for each step below a root.
    fn drawn(spans: &[Span<'_>]) -> String {
        let line = |place: &Place| format!("{}{}", ".".repeat(place.depth), place.log);
        tree(spans).iter().map(line).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_log_is_below_the_one_whose_span_it_names() {
        for (spans, expected) in [
            (vec![], ""),
            (vec![span("", "")], "0"),
            (vec![span("a", ""), span("b", "a"), span("c", "b"), span("d", "a")], "0 .1 ..2 .3"),
            // The parent came after its child.
            (vec![span("b", "a"), span("a", "")], "1 .0"),
            // Of a parent that is nowhere, and without any.
            (vec![span("a", "gone"), span("", "gone"), span("", "")], "0 1 2"),
            // Several with one id: all are there, the first has the children.
            (vec![span("a", ""), span("a", ""), span("b", "a"), span("b", "a")], "0 .2 .3 1"),
            // Its own parent, also by way of another with the same id.
            (vec![span("a", "a"), span("a", "a"), span("b", "a")], "0 .2 1"),
            (vec![span("c", "b"), span("a", "b"), span("b", "a")], "1 .2 ..0"),
            (vec![span("a", "c"), span("b", "a"), span("c", "b"), span("d", "b")], "0 .1 ..2 ..3"),
            (vec![span("a", "b"), span("b", "a"), span("c", "d"), span("d", "c")], "0 .1 2 .3"),
        ] {
            assert_eq!(drawn(&spans), expected, "{spans:?}");
        }
    }

    #[test]
    fn a_chain_of_a_thousand_is_as_deep() {
        let ids: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
        let parent = |n: usize| n.checked_sub(1).map(|n| ids[n].as_str());
        let spans: Vec<Span<'_>> =
            (0..1_000).map(|n| Span { id: Some(&ids[n]), parent: parent(n) }).collect();
        assert_eq!(tree(&spans)[999], Place { log: 999, parent: Some(998), depth: 999 });
    }

    proptest! {
        #[test]
        fn every_log_has_one_place_below_its_parent(
            logs in prop::collection::vec((prop::option::of("[a-h]"), prop::option::of("[a-j]")), 0..40)
        ) {
            let spans: Vec<Span<'_>> = logs
                .iter()
                .map(|(id, parent)| Span { id: id.as_deref(), parent: parent.as_deref() })
                .collect();
            let places = tree(&spans);
            let mut depth_of = vec![None; spans.len()];
            let mut above: Vec<usize> = Vec::new();
            for place in &places {
                prop_assert_eq!(depth_of[place.log], None, "twice");
                let below = |parent: usize| depth_of[parent].map(|depth: usize| depth + 1);
                prop_assert_eq!(Some(place.depth), place.parent.map_or(Some(0), below));
                // Between a log and the one above it are only others below that one.
                above.truncate(place.depth);
                prop_assert_eq!(above.last().copied(), place.parent);
                above.push(place.log);
                depth_of[place.log] = Some(place.depth);
                if let Some(parent) = place.parent {
                    prop_assert_eq!(spans[parent].id, spans[place.log].parent);
                    let first = spans.iter().position(|span| span.id == spans[parent].id);
                    prop_assert_eq!(first, Some(parent));
                }
            }
            prop_assert_eq!(places.len(), spans.len());
            // A root whose parent is there is where a cycle was broken: going up from that parent leads back to it.
            for root in places.iter().filter(|place| place.parent.is_none()) {
                let span = spans[root.log];
                let named = span.parent.filter(|parent| Some(*parent) != span.id);
                let Some(mut log) = named.and_then(|id| spans.iter().position(|other| other.id == Some(id))) else {
                    continue;
                };
                while let Some(parent) = places.iter().find(|place| place.log == log).and_then(|it| it.parent) {
                    log = parent;
                }
                prop_assert_eq!(log, root.log);
            }
        }
    }
}
