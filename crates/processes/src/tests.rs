#![expect(clippy::unwrap_used, reason = "tests")]

use clock::Ids;
use sea_orm::PaginatorTrait;
use tempfile::TempDir;

use super::Counts::{Alone, Together};
use super::*;

struct Fixture {
    db: DatabaseConnection,
    clock: Clock,
    ids: Ids,
    root: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let db = migration::connect(&format!("sqlite://{}", root.path().join("p.db").display()), false)
            .await
            .unwrap();
        migration::apply(&db).await.unwrap();
        let clock = Clock::system();
        for folder in ["a", "b", "c"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        Self { db, ids: Ids::new(clock.clone()), clock, root }
    }

    async fn enter(&self, folder: &str, counts: Counts) -> Result<Process, Error> {
        enter(&self.db, &self.clock, self.ids.fresh(), &self.root.path().join(folder), counts).await
    }

    /// Enters while `living` says again and again that it lives.
    async fn enter_beside(
        &self,
        living: &mut Process,
        folder: &str,
        counts: Counts,
    ) -> Result<Process, Error> {
        let renewing = async {
            loop {
                living.renew().await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            entered = self.enter(folder, counts) => entered,
            () = renewing => unreachable!("it goes on for ever"),
        }
    }

    async fn rows(&self) -> u64 {
        process::Entity::find().count(&self.db).await.unwrap()
    }
}

#[tokio::test]
async fn any_number_that_count_together_may_serve() {
    let f = Fixture::new().await;
    for folder in ["a", "b", "c"] {
        f.enter(folder, Together).await.unwrap();
    }
    assert_eq!(f.rows().await, 3);
}

#[tokio::test]
async fn one_that_counts_alone_is_alone() {
    for (first, second, says) in
        [(Alone, Alone, "give both"), (Together, Alone, "give both"), (Alone, Together, "stop it, and start")]
    {
        let f = Fixture::new().await;
        let mut living = f.enter("a", first).await.unwrap();
        let error = f.enter_beside(&mut living, "b", second).await.err().unwrap().to_string();
        assert!(error.contains(says) && error.contains("TURNPIKE_REDIS_URL"), "{error}");
        assert_eq!(f.rows().await, 1, "it leaves nothing behind");
        living.leave().await.unwrap();
        f.enter("b", second).await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_is_not_in_the_way_of_the_next_on_its_folder() {
    let f = Fixture::new().await;
    for _ in 0..3 {
        // Neither renews nor leaves, and could not be waited out.
        let process = f.enter("a", Alone).await.unwrap();
        let for_ever =
            process::Entity::update_many().col_expr(process::Column::ExpiresAt, Expr::value(i64::MAX));
        for_ever.filter(process::Column::Id.eq(process.row.id)).exec(&f.db).await.unwrap();
        assert_eq!(f.rows().await, 1);
    }
}

#[tokio::test]
async fn a_killed_process_is_waited_out_by_one_on_another_folder() {
    let f = Fixture::new().await;
    f.enter("a", Alone).await.unwrap();
    let time = async {
        // Only a start that looked and waits is let go on.
        for _ in 0..15 {
            tokio::time::sleep(LOOK_EVERY).await;
            f.clock.advance(Duration::from_secs(1));
        }
    };
    let (entered, ()) = tokio::join!(f.enter("b", Alone), time);
    assert!(entered.is_ok());
    assert_eq!(f.rows().await, 1, "the dead one's row is gone");
}

#[tokio::test]
async fn a_process_says_so_while_it_lives_and_when_it_ends() {
    let f = Fixture::new().await;
    let mut process = f.enter("a", Alone).await.unwrap();
    f.clock.advance(LEASE / 2);
    process.renew().await.unwrap();
    f.clock.advance(LEASE * 3 / 4);
    let row = process::Entity::find().one(&f.db).await.unwrap().unwrap();
    assert!(row.expires_at > f.clock.now_ms(), "renewed");

    process::Entity::delete_many().exec(&f.db).await.unwrap();
    process.renew().await.unwrap();
    assert_eq!(f.rows().await, 1, "it is there again, after it stood still");

    let stop = CancellationToken::new();
    stop.cancel();
    process.stay(stop).await;
    assert_eq!(f.rows().await, 0);
}
