//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use billing::NewCredit;
use clap::{Args, Parser, Subcommand};
use plans::{Overrides, Plan};
use providers::{Multiplier, Price};
use settings::Settings;
use telemetry::Telemetry;
use tenancy::Standing;
use tenancy::organisation::NewPlan;
use uuid::Uuid;

use crate::{command, demo};

const EXAMPLES: &str = "\
Examples:
  turnpike                            serve at 127.0.0.1:8787, data in ./turnpike-data
  turnpike demo                       see 12,000 calls meet a quota of 10,000, on a throw-away folder
  TURNPIKE_ADDR=0.0.0.0:80 turnpike   serve elsewhere
  turnpike org create --name Acme --plan production --owner-email owner@example.com

Settings come from TURNPIKE_* variables, over turnpike.toml in the working folder (or the file that TURNPIKE_CONFIG
names): TURNPIKE_DATA_DIR is data_dir, TURNPIKE_SPOOL__FSYNC is spool.fsync.";

const DEMO_EXAMPLES: &str = "\
Examples:
  turnpike demo                  the whole story, then a server to try until Ctrl-C
  turnpike demo --exit           the whole story; ends with 0 when every number adds up";

const CREATE_EXAMPLES: &str = "\
Example:
  turnpike org create --name Acme --plan production --owner-email owner@example.com

Prints one JSON object with organisation_id, workspace_id, api_key, admin_api_key and password (null for somebody who could
sign in before). The secrets are shown this once. Works while a server runs on the same data.";

const SET_PLAN_EXAMPLES: &str = "\
Examples:
  turnpike org set-plan --organisation ID --plan production
  turnpike org set-plan --organisation ID --plan enterprise --from 2027-01-01T00:00:00Z \\
    --overrides '{\"monthly_price_cents\": 200000, \"log_retention_days\": 365}'

The overrides may have monthly_price_cents, included_logs, max_logs, block_logs, block_price_cents, log_retention_days,
analytics_retention_days and max_cache_age_s. What was still to come is replaced; logs past a shorter retention are not shown from then on, with 7
days of notice where it is to come.";

const CREDIT_EXAMPLES: &str = "\
Example:
  turnpike org credit --organisation ID --cents -900 --reason \"Outage of 2026-11-24\"

An invoice is never changed once it is final: a correction is a credit on the next. What is worth more than is owed is carried
over.";

const CUSTOMER_EXAMPLES: &str = "\
Examples:
  turnpike org customer --organisation ID --stripe cus_NffrFeUfNV2Hib
  turnpike org customer --organisation ID

Stripe is told of an organisation's finished blocks of overage once it is a customer; those that wait are sent then. Making one
needs payments.stripe_api_key.";

const OWNER_EXAMPLES: &str = "\
Example:
  turnpike org owner --organisation ID --add second@example.com

Prints one JSON object with user_id, email and password (null for somebody who could sign in before), which is shown this once. The
owners that there are stay. An owner's place is taken away over REST, by another owner: PUT or DELETE /v1/admin/users/ID.";

const STANDING_EXAMPLES: &str = "\
Example:
  turnpike org standing --organisation ID good

From past_due and restricted the clock goes on as after a payment that failed.";

const DRAIN_EXAMPLES: &str = "\
Example:
  turnpike spool drain /mnt/old-machine/turnpike-data/spool

Ships what an ended process left in its spool folder into the database of the settings here. Safe to repeat: what is in
the database already is not taken in again. A folder that a running process works on is refused.";

const RECONCILE_EXAMPLES: &str = "\
Examples:
  turnpike reconcile
  turnpike reconcile --json | jq -c 'select(.difference)'

Compares, for every organisation and month, what was counted (usage) with the logs that are there, with their content, with
the ids that clients gave them, and with the ledger in Redis where there is one. Prints a line for each difference and a
summary at the end. Ends with 0 when all agree and with 1 when something does not. Works while servers run: each page is
read in one snapshot, and a ledger that differs is asked again before it is told.";

const IMPORT_EXAMPLES: &str = "\
Examples:
  turnpike prices import model_prices_and_context_window.json
  turnpike prices import --provider openai pricing/openai.json
  turnpike prices import --check overrides.toml

Reads LiteLLM's list (USD a token), a file of Portkey's models (US cents a token, --provider or the file's name says whose), or
TOML as the project's own prices.toml: the operator's prices, which go before all others and of which the last file counts alone.
Prints which models have another price (USD a million tokens), and what of the file is left out. Running servers cost by it within
a minute; what was costed before stays so until `turnpike prices recost`.";

const ADJUST_EXAMPLES: &str = "\
Examples:
  turnpike prices adjust --organisation ID --multiply 0.8
  turnpike prices adjust --organisation ID --provider openai --model gpt-4o --price '{ input = \"2\", output = \"8\" }'

The nearest counts: of the model, of the provider, of all. What was set for the same calls is replaced.";

const RECOST_EXAMPLES: &str = "\
Examples:
  turnpike prices recost --from 2026-11-01T00:00:00Z --dry-run
  turnpike prices recost --from 2026-11-01T00:00:00Z --to 2026-11-15T00:00:00Z --organisation ID

Costs logs that were received then by the prices that hold now. Each log whose cost changes gets a signed entry, and the statistics
by the hour change with it; logs that came with a cost keep it. What was spent of budgets is not changed. Works while servers run;
when it is interrupted, say it again: what is done is not done twice.";

/// An LLM gateway that keeps the log.
#[derive(Debug, Parser)]
#[command(name = "turnpike", version, about, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve all planes in this process (what `turnpike` alone does).
    Serve,
    /// Drive calls through a gateway on a throw-away folder, and show what became of their logs.
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(DemoArgs),
    /// Make the database if there is none, and bring it to this release's schema.
    Migrate,
    /// Prove that counts, logs and the ledger agree, or show where they do not.
    #[command(after_help = RECONCILE_EXAMPLES)]
    Reconcile {
        /// A JSON object a line: each difference, then the summary.
        #[arg(long)]
        json: bool,
    },
    /// Organisations.
    #[command(subcommand)]
    Org(OrgCommand),
    /// What calls cost.
    #[command(subcommand)]
    Prices(PricesCommand),
    /// The durable queue between calls and the database.
    #[command(subcommand)]
    Spool(SpoolCommand),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DemoArgs {
    /// End after the story, instead of serving on until Ctrl-C.
    #[arg(long)]
    pub exit: bool,
    /// Calls to make through the gateway.
    #[arg(long, default_value_t = 12_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub calls: u64,
    /// Logs a month that the Developer plan has in the demo.
    #[arg(long, hide = true)]
    pub included_logs: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OrgCommand {
    /// Sign an organisation up: its workspace, its owner and its first two keys.
    #[command(after_help = CREATE_EXAMPLES)]
    Create {
        /// What people call it, up to 100 characters.
        #[arg(long)]
        name: String,
        /// developer, production or enterprise.
        #[arg(long)]
        plan: Plan,
        /// Who owns it.
        #[arg(long)]
        owner_email: String,
    },
    /// Put an organisation on another plan, or on terms of its own. A running server sees it within its key cache's time, 5 s unless set otherwise.
    #[command(after_help = SET_PLAN_EXAMPLES)]
    SetPlan {
        /// The organisation's id.
        #[arg(long)]
        organisation: Uuid,
        /// developer, production or enterprise.
        #[arg(long)]
        plan: Plan,
        /// What the organisation has in place of the plan's terms, as JSON. Left out: what it has stays; {} takes it away.
        #[arg(long, value_parser = overrides)]
        overrides: Option<Overrides>,
        /// From when on, as 2026-12-01T00:00:00Z: to come, or past within this month. Left out: at once.
        #[arg(long, value_parser = moment)]
        from: Option<i64>,
    },
    /// Correct what an organisation owes: a signed amount on its next invoice.
    #[command(after_help = CREDIT_EXAMPLES)]
    Credit {
        /// The organisation's id.
        #[arg(long)]
        organisation: Uuid,
        /// US cents; below 0, less is owed.
        #[arg(long, allow_hyphen_values = true)]
        cents: i64,
        /// What stands on the invoice, up to 200 characters.
        #[arg(long)]
        reason: String,
    },
    /// Say which customer of Stripe's an organisation is, or make it one.
    #[command(after_help = CUSTOMER_EXAMPLES)]
    Customer {
        /// The organisation's id.
        #[arg(long)]
        organisation: Uuid,
        /// The customer's id at Stripe, which begins with cus. Left out: one is made there.
        #[arg(long)]
        stripe: Option<String>,
    },
    /// Make somebody an owner of an organisation, beside those that it has.
    #[command(after_help = OWNER_EXAMPLES)]
    Owner {
        /// The organisation's id.
        #[arg(long)]
        organisation: Uuid,
        /// The e-mail address of who is to be one.
        #[arg(long)]
        add: String,
    },
    /// Say whether an organisation counts as one that pays, whatever Stripe and the clock have said.
    #[command(after_help = STANDING_EXAMPLES)]
    Standing {
        /// The organisation's id.
        #[arg(long)]
        organisation: Uuid,
        /// `good`, `past_due`, `restricted` (logs are read-only) or `suspended` (calls are refused too).
        standing: Standing,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PricesCommand {
    /// Add prices from a file.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import {
        /// The file; - is the standard input.
        file: PathBuf,
        /// Whose models a file of Portkey's has. Left out: the file's name says it.
        #[arg(long)]
        provider: Option<String>,
        /// Only say what it would change.
        #[arg(long)]
        check: bool,
    },
    /// Set what an organisation's calls cost in place of, or in proportion to, the prices that hold for everybody.
    #[command(after_help = ADJUST_EXAMPLES, group(clap::ArgGroup::new("how").required(true).args(["multiply", "price"])))]
    Adjust {
        /// The organisation's id.
        #[arg(long)]
        organisation: Uuid,
        /// Left out: all providers.
        #[arg(long)]
        provider: Option<String>,
        /// Left out: all models of the provider.
        #[arg(long, requires = "provider")]
        model: Option<String>,
        /// The share of the cost that counts, as 0.8.
        #[arg(long)]
        multiply: Option<Multiplier>,
        /// The price, in USD a million tokens, as prices.toml has it.
        #[arg(long, value_parser = price)]
        price: Option<Box<Price>>,
    },
    /// Show what is adjusted, a JSON object a line.
    Adjustments {
        /// Of this organisation alone.
        #[arg(long)]
        organisation: Option<Uuid>,
    },
    /// Take an adjustment away.
    Withdraw {
        /// Its id, as `turnpike prices adjustments` shows it.
        id: Uuid,
    },
    /// Cost logs that were received before by the prices that hold now.
    #[command(after_help = RECOST_EXAMPLES)]
    Recost {
        /// Received at or after, as 2026-11-01T00:00:00Z.
        #[arg(long, value_parser = moment)]
        from: i64,
        /// Received before. Left out: now.
        #[arg(long, value_parser = moment)]
        to: Option<i64>,
        /// Of this organisation alone.
        #[arg(long)]
        organisation: Option<Uuid>,
        /// Only say what it would change.
        #[arg(long)]
        dry_run: bool,
    },
}

fn price(text: &str) -> Result<Box<Price>, String> {
    command::prices::price(text).map(Box::new)
}

/// A moment in unix milliseconds.
fn moment(text: &str) -> Result<i64, chrono::ParseError> {
    Ok(chrono::DateTime::parse_from_rfc3339(text)?.timestamp_millis())
}

fn overrides(text: &str) -> Result<Overrides, serde_json::Error> {
    serde_json::from_str(text)
}

#[derive(Debug, Subcommand)]
pub(crate) enum SpoolCommand {
    /// Ship what is left in the spool folder of a process that has ended.
    #[command(after_help = DRAIN_EXAMPLES)]
    Drain {
        /// The spool folder: the one that holds `*.seg` files.
        dir: PathBuf,
    },
}

/// The process: reads the command line and the settings, and runs the command.
///
/// Ends with 0; with 2 for a command line or a setting that is wrong; with 1 for anything else.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let ran = host::runtime().and_then(|runtime| runtime.block_on(run(cli)));
    match ran {
        Ok(code) => code,
        Err(error) => {
            eprint!("{}", host::complaint(&error));
            ExitCode::from(host::exit_code(&error))
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let command = cli.command.unwrap_or(Command::Serve);
    let settings: Settings = settings::load()?;
    // A server tells what it does; what has an output of its own speaks up only when something is wrong.
    let serves = matches!(command, Command::Serve);
    let level =
        if serves { format!("{},{}", host::LIBRARIES, settings.log.level) } else { "warn".to_owned() };
    let telemetry = telemetry::init("turnpike", settings.log.format, &level)?;
    // In a box: some commands hold a lot while they wait.
    let ran = Box::pin(carry_out(command, settings, telemetry.clone())).await;
    telemetry.shutdown().await;
    ran
}

async fn carry_out(command: Command, settings: Settings, telemetry: Telemetry) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve => return Box::pin(command::serve::run(settings, telemetry)).await,
        Command::Demo(args) => return Box::pin(demo::run(settings, telemetry, args)).await,
        Command::Reconcile { json } => return command::reconcile::run(&settings, json).await,
        Command::Migrate => command::migrate::run(&settings).await?,
        Command::Org(OrgCommand::Create { name, plan, owner_email }) => {
            command::organisation::create(&settings, name, plan, owner_email).await?;
        }
        Command::Org(OrgCommand::SetPlan { organisation, plan, overrides, from }) => {
            let new = NewPlan { plan, overrides, from_ms: from };
            command::organisation::set_plan(&settings, organisation, new).await?;
        }
        Command::Org(OrgCommand::Credit { organisation, cents, reason }) => {
            let new = NewCredit { organisation_id: organisation, amount_cents: cents, reason };
            command::organisation::credit(&settings, new).await?;
        }
        Command::Org(OrgCommand::Customer { organisation, stripe }) => {
            command::payments::set_customer(&settings, organisation, stripe).await?;
        }
        Command::Org(OrgCommand::Owner { organisation, add }) => {
            command::organisation::add_owner(&settings, organisation, &add).await?;
        }
        Command::Org(OrgCommand::Standing { organisation, standing }) => {
            command::payments::set_standing(&settings, organisation, standing).await?;
        }
        Command::Prices(prices) => command::prices::run(&settings, prices).await?,
        Command::Spool(SpoolCommand::Drain { dir }) => {
            command::drain::run(&settings, &dir, telemetry.metrics).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_is_none_and_the_demo_has_its_defaults() {
        assert!(parse("turnpike").unwrap().command.is_none());
        let Some(Command::Demo(args)) = parse("turnpike demo").unwrap().command else { unreachable!() };
        assert_eq!((args.exit, args.calls, args.included_logs), (false, 12_000, None));
        let line = "turnpike demo --exit --calls 60 --included-logs 50";
        let Some(Command::Demo(args)) = parse(line).unwrap().command else { unreachable!() };
        assert_eq!((args.exit, args.calls, args.included_logs), (true, 60, Some(50)));
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        for (line, named) in [
            ("turnpike org create --name x --owner-email a@b.co", "--plan"),
            (
                "turnpike org create --name x --plan gold --owner-email a@b.co",
                "developer, production or enterprise",
            ),
            ("turnpike org set-plan --organisation 7 --plan developer", "--organisation"),
            ("turnpike org set-plan --plan developer --from tomorrow", "--from"),
            ("turnpike org set-plan --plan developer --overrides {\"gold\":1}", "unknown field `gold`"),
            ("turnpike org credit --cents x", "--cents"),
            ("turnpike org standing --organisation 00000000-0000-0000-0000-000000000000 broke", "past_due"),
            ("turnpike org customer --stripe cus_1", "--organisation"),
            ("turnpike demo --calls 0", "1..=10000000"),
            ("turnpike spool drain", "<DIR>"),
            ("turnpike prices import", "<FILE>"),
            ("turnpike prices adjust --organisation 00000000-0000-0000-0000-000000000000", "--multiply"),
            ("turnpike prices adjust --multiply 1e3", "no multiplier"),
            ("turnpike prices adjust --price 5", "--price"),
            ("turnpike prices adjust --multiply 1 --model m", "--provider"),
            ("turnpike prices recost --from yesterday", "--from"),
            ("turnpike fly", "fly"),
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
            assert!(error.to_string().contains(named), "{line}: {error}");
        }
    }
}
