//! Any steps at all, for property tests.

use proptest::prelude::*;

use super::Step;

pub(crate) fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..40_u64).prop_map(Step::Reserve),
        3 => any::<usize>().prop_map(Step::Repeat),
        3 => (any::<usize>(), 0..4_u64, prop_oneof![3 => Just(0), 1 => 0..60_u64])
            .prop_map(|(batch, fewer, more)| Step::Settle { batch, fewer, more }),
        1 => (any::<usize>(), 0..20_u64).prop_map(|(batch, behind)| Step::Overtaken { batch, behind }),
    ];
    prop::collection::vec(step, 0..80)
}
