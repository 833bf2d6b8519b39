use clap::Args;
/// x
#[derive(Args)]
pub struct TestArgs {}
pub fn run(_: &TestArgs) -> anyhow::Result<bool> {
    Ok(true)
}
