use clap::Args;
/// x
#[derive(Args)]
pub struct ServeArgs {}
pub fn run(_: &ServeArgs) -> anyhow::Result<bool> {
    Ok(true)
}
