// The app for Android. Not run where this was written: no Gradle and no Android SDK were at hand; `scripts/screens android` builds
// the same sources with the same versions. Libraries come from scripts/build-android: put target/android/aar/jni into src/main/jniLibs.
plugins {
    id("com.android.application") version "8.13.0"
    id("org.jetbrains.kotlin.android") version "2.4.20"
    id("org.jetbrains.kotlin.plugin.compose") version "2.4.20"
}

val starterPacks = tasks.register<Sync>("starterPacks") {
    from("../../models/starter")
    into(layout.buildDirectory.dir("starter/starter"))
}

android {
    namespace = "cuba.app"
    compileSdk = 36
    defaultConfig {
        applicationId = "cuba.app"
        minSdk = 24
        targetSdk = 36
        versionCode = 1
        versionName = "0.1.0"
    }
    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "../../bindings/kotlin/android/consumer-rules.pro")
        }
    }
    sourceSets["main"].kotlin.srcDirs(
        "src/main/kotlin",
        "../ui/src/main/kotlin",
        "../../bindings/kotlin/src/main/kotlin",
        "../../bindings/kotlin/src/generated/kotlin",
    )
    sourceSets["main"].assets.srcDir(layout.buildDirectory.dir("starter"))
    // Weights are mapped, not read: they stay as they are in the package.
    androidResources { noCompress += "bin" }
}

tasks.named("preBuild") { dependsOn(starterPacks) }

kotlin { jvmToolchain(17) }

dependencies {
    implementation("androidx.activity:activity-compose:1.13.0")
    implementation("androidx.compose.foundation:foundation:1.12.1")
    implementation("androidx.compose.material3:material3:1.4.0")
    implementation("androidx.compose.ui:ui:1.12.1")
    implementation("androidx.lifecycle:lifecycle-viewmodel-compose:2.11.0")
    implementation("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.11.0")
    implementation("net.java.dev.jna:jna:5.18.1@aar") // older ones crash on phones with 16 KB pages
}
