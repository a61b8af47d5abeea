import Testing

@Test("placeholder") func placeholderVXLAN() {}
