//! `turnpike prices`: adding prices, adjusting them for organisations, and costing logs anew. Only the database is touched, so
//! servers may run beside it.

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use chrono::DateTime;
use clock::{Clock, Ids};
use entity::organisation;
use host::say;
use indicatif::{ProgressBar, ProgressStyle};
use logstore::recost::{self, Costing, Recosted, Which};
use pricing::{Adjustment, Book, Imported, NewAdjustment};
use providers::{Format, LeftOut, Price, Prices};
use sea_orm::{DatabaseConnection, EntityTrait as _, QueryOrder as _, QuerySelect as _};
use serde_json::json;
use settings::Settings;
use uuid::Uuid;

use crate::cli::PricesCommand;

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 20;

pub(crate) async fn run(settings: &Settings, command: PricesCommand) -> anyhow::Result<()> {
    match command {
        PricesCommand::Import { file, provider, check } => import(settings, &file, provider, check).await,
        PricesCommand::Adjust { organisation, provider, model, multiply, price } => {
            let adjustment = match (multiply, price) {
                (Some(by), _) => Adjustment::Multiply(by),
                (None, Some(price)) => Adjustment::Price(price),
                (None, None) => anyhow::bail!("either --multiply or --price says what is adjusted"),
            };
            adjust(settings, NewAdjustment { organisation_id: organisation, provider, model, adjustment })
                .await
        }
        PricesCommand::Adjustments { organisation } => show_adjustments(settings, organisation).await,
        PricesCommand::Withdraw { id } => {
            let db = host::database(settings).await?;
            pricing::withdraw(&db, &Clock::system(), id).await.context("nothing was taken away")?;
            db.close().await?;
            say(&json!({ "withdrawn": id }).to_string())?;
            Ok(())
        }
        PricesCommand::Recost { from, to, organisation, dry_run } => {
            let to = to.unwrap_or_else(|| Clock::system().now_ms());
            anyhow::ensure!(from < to, "--from must be before --to");
            Recosting { settings, received_ms: from..to, dry_run }.run(organisation).await
        }
    }
}

/// A price as an inline table of TOML.
pub(crate) fn price(text: &str) -> Result<Price, String> {
    let prices =
        Prices::parse(&format!("providers.any.models.any = {text}")).map_err(|error| error.to_string())?;
    prices.get("any", "any").cloned().ok_or_else(|| "no price".to_owned())
}

async fn import(
    settings: &Settings,
    file: &Path,
    provider: Option<String>,
    check: bool,
) -> anyhow::Result<()> {
    let text = read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let stem = file.file_stem().and_then(|stem| stem.to_str()).filter(|stem| *stem != "-");
    let named = provider.as_deref();
    // Whose a file of Portkey's is its name tells; the other formats say it in the file.
    let imported = match providers::import(&text, named) {
        Err(providers::ImportError::NoProvider) => providers::import(&text, stem),
        read => read,
    };
    let import = imported.with_context(|| format!("{} was not imported", file.display()))?;
    let left_out = import.left_out.clone();
    let source = match import.format {
        Format::Portkey => named.or(stem).unwrap_or_default().to_owned(),
        Format::LiteLlm => String::new(),
        Format::Overrides => stem.unwrap_or_default().to_owned(),
    };
    let db = host::database(settings).await?;
    let clock = Clock::system();
    let ids = Ids::new(clock.clone());
    let stored = pricing::store(&db, (&ids, &clock), import, &source, check).await;
    let stored = stored.context("the prices were not added")?;
    db.close().await?;
    show(&stored, &left_out, check)
}

fn read(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(MAX_BYTES + 1).read_to_string(&mut text)?
    } else {
        std::fs::File::open(file)?.take(MAX_BYTES + 1).read_to_string(&mut text)?
    };
    anyhow::ensure!(read as u64 <= MAX_BYTES, "longer than {MAX_BYTES} bytes");
    Ok(text)
}

fn show(imported: &Imported, left_out: &[LeftOut], check: bool) -> anyhow::Result<()> {
    let Imported { version, changes, prices } = imported;
    let models: Vec<String> =
        changes.iter().map(|change| format!("{}/{}", change.provider, change.model)).collect();
    let width = models.iter().map(|model| model.chars().count()).max().unwrap_or(0);
    let shown = |price: &Option<Price>| price.as_ref().map_or_else(|| "none".to_owned(), Price::to_string);
    for (change, model) in changes.iter().zip(&models) {
        say(&format!("{model:<width$}  {} -> {}", shown(&change.old), shown(&change.new)))?;
    }
    for LeftOut { path, why } in left_out {
        say(&format!("left out: {path}: {why}"))?;
    }
    let (changed, left) = (changes.len(), left_out.len());
    say(&format!("{prices} prices in the file, {changed} models changed, {left} entries left out."))?;
    match version {
        None => say("Nothing new: no version was added.")?,
        Some(version) if check => say(&format!("Only checked: the version would be {version}"))?,
        Some(version) => say(&format!("The version is {version}"))?,
    }
    Ok(())
}

async fn adjust(settings: &Settings, new: NewAdjustment) -> anyhow::Result<()> {
    let db = host::database(settings).await?;
    let clock = Clock::system();
    let ids = Ids::new(clock.clone());
    let organisation = new.organisation_id;
    let id = pricing::adjust(&db, (&ids, &clock), new).await.context("nothing was adjusted")?;
    db.close().await?;
    say(&json!({ "id": id, "organisation_id": organisation }).to_string())?;
    Ok(())
}

async fn show_adjustments(settings: &Settings, organisation: Option<Uuid>) -> anyhow::Result<()> {
    let db = host::database(settings).await?;
    let adjusted = pricing::adjustments(&db, organisation).await?;
    db.close().await?;
    for one in adjusted {
        let mut shown = json!({
            "id": one.id,
            "organisation_id": one.organisation_id,
            "provider": one.provider,
            "model": one.model,
            "created_at": DateTime::from_timestamp_millis(one.created_at).map(|at| at.to_rfc3339()),
        });
        match one.adjustment {
            Adjustment::Multiply(by) => shown["multiply"] = json!(by),
            Adjustment::Price(price) => shown["price"] = json!(price),
        }
        say(&shown.to_string())?;
    }
    Ok(())
}

struct Recosting<'a> {
    settings: &'a Settings,
    received_ms: std::ops::Range<i64>,
    dry_run: bool,
}

impl Recosting<'_> {
    async fn run(&self, organisation: Option<Uuid>) -> anyhow::Result<()> {
        let db = host::database(self.settings).await?;
        let book = Book::load(&db).await?;
        let progress = ProgressBar::new_spinner()
            .with_style(ProgressStyle::with_template("{spinner} {pos} logs costed, {per_sec}, {elapsed}")?);
        let mut sum = Recosted::default();
        for organisation in organisations(&db, organisation).await? {
            let told = |recosted: Recosted| {
                sum.add(recosted);
                progress.inc(recosted.logs);
            };
            let done = self.one(&db, &book, organisation, told).await;
            done.context("costing was interrupted; say it again, and it goes on where it was")?;
        }
        progress.finish_and_clear();
        db.close().await?;
        let mut shown = json!(sum);
        shown["dry_run"] = json!(self.dry_run);
        say(&shown.to_string())?;
        Ok(())
    }

    async fn one(
        &self,
        db: &DatabaseConnection,
        book: &Book,
        organisation: Uuid,
        told: impl FnMut(Recosted),
    ) -> Result<(), sea_orm::DbErr> {
        let clock = Clock::system();
        let ids = Ids::new(clock.clone());
        let which = Which { organisation_id: organisation, received_ms: self.received_ms.clone() };
        let cost = |log: &entity::log::Model| {
            let usage = pricing::usage_of(log)?;
            book.cost(organisation, &log.provider, log.model.as_deref()?, &usage)
        };
        let costing = Costing { version: book.version(organisation), cost: &cost };
        if self.dry_run {
            recost::estimate(db, &which, costing, told).await
        } else {
            recost::recost(db, (&ids, &clock), &which, costing, told).await
        }
    }
}

/// The one, or all.
async fn organisations(db: &DatabaseConnection, one: Option<Uuid>) -> anyhow::Result<Vec<Uuid>> {
    if let Some(id) = one {
        let row = organisation::Entity::find_by_id(id).one(db).await?;
        anyhow::ensure!(row.is_some(), "there is no organisation {id}");
        return Ok(vec![id]);
    }
    let ids = organisation::Entity::find().select_only().column(organisation::Column::Id);
    Ok(ids.order_by_asc(organisation::Column::Id).into_tuple().all(db).await?)
}
