import Testing

@Test("placeholder") func placeholderDataplane() {}
