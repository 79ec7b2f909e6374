use uuid::Uuid;

/// `delay_ms` and up to a fifth more, by a random id and the number of the attempt: what failed together comes again one by one.
#[must_use]
pub fn spread(delay_ms: i64, id: Uuid, attempt: i32) -> i64 {
    let (_, chance) = id.as_u64_pair();
    let turned = chance.rotate_left(attempt.unsigned_abs().wrapping_mul(7));
    let per_mille = i64::try_from(turned % 201).unwrap_or(0);
    delay_ms + delay_ms * per_mille / 1000
}
