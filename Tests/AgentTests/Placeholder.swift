import Testing

@Test("placeholder") func placeholderAgent() {}
