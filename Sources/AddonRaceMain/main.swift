import AddonRaceCLI

AddonRaceCommand.main(catalogs: [])
