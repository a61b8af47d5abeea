import Testing

@Test("placeholder") func placeholderSimulation() {}
