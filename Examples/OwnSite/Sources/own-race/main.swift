// The whole `addonrace` command, with sites and checkers of one's own.
import AddonRaceCLI
import OwnSite

AddonRaceCommand.main(catalogs: [OwnCatalog.self], checkers: [Waste()])
