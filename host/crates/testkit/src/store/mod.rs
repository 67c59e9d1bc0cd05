//! The promises of the store port, one test each: [`store_conformance!`] for every backend,
//! [`store_durability!`] for those that outlive their process.
//!
//! A case sees a [`Bench`] with an open store; the macros make a `#[test]` of each case.
//!
//! [`store_conformance!`]: crate::store_conformance
//! [`store_durability!`]: crate::store_durability
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a case fails by panicking"
)]

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use wforge_ports::{Driver, Store};

pub mod make;

mod blobs;
mod documents;
mod durable;
mod erasing;
mod memory;
mod outbox;
mod records;
mod replies;
mod runs;
mod sweeping;
mod threads;
mod values;

/// All cases, by the name of their test.
pub mod cases {
    pub use super::blobs::*;
    pub use super::documents::*;
    pub use super::durable::*;
    pub use super::erasing::*;
    pub use super::memory::*;
    pub use super::outbox::*;
    pub use super::records::*;
    pub use super::replies::*;
    pub use super::runs::*;
    pub use super::sweeping::*;
    pub use super::threads::*;
    pub use super::values::*;
}

/// What is under test.
pub trait Backend: Store + Driver + 'static {}

impl<S: Store + Driver + 'static> Backend for S {}

type Open = dyn Fn(&Path) -> Arc<dyn Backend>;

/// An open store in a folder of its own.
pub struct Bench {
    open: Box<Open>,
    store: Option<Arc<dyn Backend>>,
    folder: TempDir,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Bench {
    /// The store.
    #[must_use]
    pub fn store(&self) -> &dyn Backend {
        self.store.as_deref().expect("a bench has an open store")
    }

    /// The store, to be shared with other tasks.
    #[must_use]
    pub fn shared(&self) -> Arc<dyn Backend> {
        Arc::clone(self.store.as_ref().expect("a bench has an open store"))
    }

    /// Where the store keeps its files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Drops the store as a process that ends does, and opens it again.
    pub fn reopen(&mut self) {
        drop(self.store.take());
        self.store = Some((self.open)(self.folder.path()));
    }

    /// Closes the store and opens it again.
    pub async fn close_and_reopen(&mut self) {
        self.store().close().await.unwrap();
        self.reopen();
    }
}

/// Runs one case on a fresh store.
pub fn run<S: Backend>(open: impl Fn(&Path) -> S + 'static, case: impl AsyncFnOnce(&mut Bench)) {
    let folder = TempDir::new().unwrap();
    let open: Box<Open> = Box::new(move |dir| Arc::new(open(dir)));
    let store = Some(open(folder.path()));
    let mut bench = Bench { open, store, folder };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(case(&mut bench));
}

/// Makes tests of named cases. For the two macros below.
#[doc(hidden)]
#[macro_export]
macro_rules! store_cases {
    ($open:expr; $($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                $crate::store::run($open, $crate::store::cases::$case);
            }
        )*
    };
}

/// The suite that every backend passes: `store_conformance!(memory, |_dir| MemoryStore::new(..))`.
#[macro_export]
macro_rules! store_conformance {
    ($name:ident, $open:expr) => {
        mod $name {
            use super::*;

            $crate::store_cases! { $open;
                a_commit_is_read_back_as_events_and_as_a_head
                a_commit_on_an_old_sequence_conflicts
                a_commit_with_another_lease_is_refused
                a_refused_commit_leaves_no_part_behind
                of_many_commits_on_one_sequence_one_wins
                the_head_is_what_the_newest_commit_says
                events_come_in_pages_and_in_order
                a_run_that_does_not_exist_has_nothing
                heads_come_newest_first_and_in_pages
                the_same_run_in_two_tenants_is_two_runs
                a_tenant_sees_no_run_of_one_whose_name_it_begins_with
                live_and_sleeping_runs_are_claimed_the_earlier_wake_first
                a_run_that_is_done_is_not_claimed
                at_most_so_many_runs_are_claimed_as_were_asked_for
                a_reply_is_given_again_to_its_tenant_only
                a_reply_stands_and_what_would_write_another_is_refused_whole
                a_repeated_request_hears_its_reply_rather_than_a_conflict
                of_many_requests_with_one_key_one_is_done_and_all_hear_its_reply
                a_reply_that_has_expired_gives_way
                replies_that_have_expired_are_removed
                the_newest_snapshot_is_the_one_that_counts
                a_thread_is_written_with_the_commit_of_its_run
                a_commit_on_an_old_version_of_its_thread_is_refused_whole
                a_commit_on_an_old_sequence_changes_no_thread
                of_many_commits_on_one_version_of_a_thread_one_wins
                threads_and_their_runs_come_in_pages
                runs_that_wait_for_a_person_are_listed_until_they_do_not
                a_run_whose_base_is_gone_is_refused
                a_run_that_is_needed_is_not_forgotten
                the_run_on_which_a_thread_stands_is_not_forgotten
                a_run_with_large_events_is_forgotten_in_parts
                a_forgotten_run_leaves_nothing_behind
                a_run_with_many_tasks_is_forgotten_in_parts_its_log_last
                a_thread_in_which_nothing_is_under_way_is_forgotten_with_its_memory
                a_thread_that_begins_anew_begins_after_what_is_left_of_the_one_before
                the_first_writer_of_a_phase_wins
                intent_and_answer_are_two_phases
                of_many_writers_of_one_phase_one_is_first_and_all_hear_its_answer
                records_come_in_order_of_attempt_position_and_phase
                records_of_another_task_are_not_seen
                records_of_a_planned_task_are_seen_whether_they_came_before_or_after
                a_record_with_another_lease_is_refused
                the_same_record_in_two_tenants_is_two_records
                what_a_record_remembers_is_read_back_with_it
                no_version_of_a_key_comes_twice
                a_write_that_expected_something_else_is_not_made
                of_many_writes_on_one_version_one_is_made
                a_record_that_is_there_writes_no_memory
                what_no_task_writes_keeps_the_versions_the_room_and_the_audit_log
                entries_are_listed_by_prefix_and_in_pages
                what_has_expired_is_listed_no_more_and_goes
                a_space_holds_no_more_than_it_may
                no_key_reaches_another_space
                a_commit_writes_memory_with_the_versions_that_it_says
                a_forgotten_run_leaves_no_memory_of_its_own
                a_document_that_must_not_exist_is_made_once
                a_change_on_an_old_version_conflicts_and_says_what_is_there
                a_change_without_a_version_overwrites
                a_version_never_comes_again_after_a_deletion
                puts_are_made_all_or_none
                the_last_of_two_puts_of_one_document_stands
                documents_are_listed_by_prefix_and_in_pages
                a_list_has_another_version_when_a_document_of_it_is_written
                deleted_documents_are_not_listed
                collections_and_tenants_share_no_documents
                what_webhooks_are_told_stands_with_its_commit_or_not_at_all
                a_delivery_that_is_deleted_leaves_nothing
                audit_entries_are_numbered_and_chained
                the_same_history_has_the_same_hashes_and_another_has_not
                the_same_bytes_are_one_blob
                blobs_of_all_sizes_come_back
                nothing_is_found_of_an_erased_tenant_and_all_of_the_others
                what_is_written_for_an_erased_tenant_is_refused
                the_bytes_of_a_tenant_are_those_that_it_has
                a_blob_belongs_to_its_tenant
                a_blob_that_nothing_names_goes_at_the_second_look
                a_blob_stays_while_anything_names_it
                whoever_keeps_a_blob_again_takes_the_note_away
                a_sweep_reaches_no_other_tenant
                blobs_come_in_pages_with_what_names_them
                values_of_all_sizes_come_back_from_everywhere
                numbers_and_depth_come_back_as_they_went_in
                what_is_too_large_is_refused_and_leaves_nothing
                a_key_that_is_too_long_is_refused
                figures_count_what_was_done
                nothing_is_accepted_after_closing
            }
        }
    };
}

/// The suite of backends that outlive their process.
#[macro_export]
macro_rules! store_durability {
    ($name:ident, $open:expr) => {
        mod $name {
            use super::*;

            $crate::store_cases! { $open;
                everything_survives_a_closing
                everything_survives_a_process_that_just_ends
                bytes_and_erasures_outlive_the_process
                a_chain_and_versions_go_on_after_reopening
                the_first_writer_wins_over_a_reopening
                a_reply_stands_over_a_reopening
                notes_of_unnamed_blobs_survive_a_reopening
                live_runs_are_claimed_after_reopening
                threads_survive_a_reopening
                memory_survives_a_reopening
                no_plaintext_is_in_any_file
                files_of_replaced_values_go
            }
        }
    };
}
