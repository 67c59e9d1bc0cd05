use super::*;

/// Writes rows, a group for each, and has the view apply them at once.
fn written(copy_bytes_max: usize, keys: impl Iterator<Item = u64>) -> Overlay {
    let overlay = Overlay::new(usize::MAX, copy_bytes_max);
    for (key, number) in keys.zip(1..) {
        let mut batch = Batch::default();
        batch.put(key.to_be_bytes().to_vec(), vec![7; 100]);
        overlay.publish(number, batch, 1);
        overlay.applied(number);
    }
    overlay
}

/// How many rows and places of copies there are.
fn kept(overlay: &Overlay) -> (usize, usize) {
    let state = overlay.state.read().unwrap();
    (state.rows.len(), state.copies.len())
}

#[test]
fn rows_that_are_written_over_and_over_take_no_more_room_than_once() {
    let overlay = written(1 << 20, (0..20 * COPIES_TIDIED_MIN as u64).map(|n| n % 3));
    let (rows, places) = kept(&overlay);
    assert_eq!(rows, 3);
    assert!(places <= COPIES_TIDIED_MIN, "{places}");
    let state = overlay.state.read().unwrap();
    assert_eq!(state.copy_bytes, 3 * (8 + 100 + 128));
}

#[test]
fn tidying_leaves_the_copies_that_stand_and_they_still_make_room() {
    let again = (0..4 * COPIES_TIDIED_MIN as u64).map(|_| 0);
    let overlay = written(10 * (8 + 100 + 128), (1..5).chain(again).chain(5..100));
    let (rows, places) = kept(&overlay);
    assert_eq!(rows, 10, "{places} places");
    assert!(overlay.state.read().unwrap().rows.contains_key(99_u64.to_be_bytes().as_slice()));
}
