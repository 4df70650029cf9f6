// For apps that build Cuba's classes themselves: include this folder as a module and put the libraries of scripts/build-android
// (jni/) into src/main/jniLibs. Kept in step with pom.xml, which is what the checks run; this file has not been run.
plugins {
    id("com.android.library") version "8.13.0"
    id("org.jetbrains.kotlin.android") version "2.4.20"
}

android {
    namespace = "cuba.ffi"
    compileSdk = 36
    defaultConfig {
        minSdk = 24
        consumerProguardFiles("android/consumer-rules.pro")
    }
    sourceSets["main"].kotlin.srcDirs("src/main/kotlin", "src/generated/kotlin")
    sourceSets["main"].manifest.srcFile("android/AndroidManifest.xml")
}

kotlin { jvmToolchain(17) }

dependencies {
    implementation("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.11.0")
    implementation("net.java.dev.jna:jna:5.18.1@aar")
}
