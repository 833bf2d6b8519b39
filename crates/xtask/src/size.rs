use clap::Args;
/// x
#[derive(Args)]
pub struct SizeArgs {}
pub fn run(_: &SizeArgs) -> anyhow::Result<bool> {
    Ok(true)
}
